namespace WorkinIt.DeadLetters;

/// <summary>Counts the dead letters of one cause.</summary>
/// <param name="first">The first dead letter of the cause.</param>
internal sealed class CauseTally(DeadLetter first)
{
    private const int MostTypes = 5;

    private readonly Dictionary<string, long> _variants = [];
    private readonly List<string> _types = [];
    private readonly Cause _cause = first.Cause;
    private readonly string _example = first.Id;
    private long _count;
    private long _others;
    private DateTimeOffset? _first;
    private DateTimeOffset? _last;

    public void Add(DeadLetter letter)
    {
        _count++;
        if (letter.FailedAt is { } at)
            (_first, _last) = (_first < at ? _first : at, _last > at ? _last : at);
        if (letter.MessageTypes is [var type, ..] && _types.Count < MostTypes && !_types.Contains(type))
            _types.Add(type);
        if (_variants.ContainsKey(letter.Cause.Text) || _variants.Count < CauseGroup.MostVariants)
            _variants[letter.Cause.Text] = _variants.GetValueOrDefault(letter.Cause.Text) + 1;
        else
            _others++;
    }

    public CauseGroup ToGroup()
    {
        var variants = _variants.Select(variant => new CauseVariant(variant.Key, variant.Value, (_cause with { Text = variant.Key }).VariantId)).OrderByDescending(variant => variant.Count).ToList();
        return new CauseGroup(_cause with { Text = variants[0].Text }, _count, _first, _last, _example, _types, variants, _others);
    }
}
