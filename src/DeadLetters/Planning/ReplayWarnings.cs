namespace WorkinIt.DeadLetters;

/// <summary>Finds the warnings about messages that can be replayed.</summary>
internal sealed class ReplayWarnings(MoveCheck check, ReplayRequest request)
{
    private readonly Dictionary<string, bool?> _answersTo = [];

    public async Task<List<string>> OfAsync(DeadLetter letter, ReplayTarget target, CancellationToken cancellationToken)
    {
        var warnings = new List<string>();
        // Bindings don't show it: they remain when a consumer is removed, and a consumer may work without one.
        if (letter.Kind == DeadLetterKind.Skipped)
            warnings.Add($"no consumer of {target.Queue} handled its type, and whether one does now can't be checked: replay one first");
        if (await RequestAsync(letter, cancellationToken) is { } answer)
            warnings.Add(answer);
        warnings.AddRange(target.Warnings);
        return warnings;
    }

    private async Task<string?> RequestAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        if (letter.AnswersTo is not { } exchange)
            return null;
        if (request.WithoutResponse)
            return "a request: its response address is removed, so its consumer publishes the answer instead of sending it";
        if (!_answersTo.TryGetValue(exchange, out var exists))
            _answersTo.Add(exchange, exists = await check.HasExchangeAsync(exchange, cancellationToken));
        return exists != false ? $"a request: its consumer answers to {exchange} again"
            : $"a request: its response exchange {exchange} no longer exists, so its consumer may run twice: replay it with --without-response";
    }
}
