namespace WorkinIt.DeadLetters;

/// <summary>Notifies the application of moved messages in batches, so that memory holds no more of them than the operation itself does.</summary>
/// <param name="notify">The application's method; null if there is no advisor.</param>
internal sealed class MoveNotices(Func<IReadOnlyList<DeadLetter>, CancellationToken, Task>? notify)
{
    private readonly List<DeadLetter> _moved = [];
    private long _missed;
    private string? _why;

    /// <summary>Adds a message that was moved.</summary>
    /// <param name="letter">The message.</param>
    public void Add(DeadLetter letter)
    {
        if (notify is not null)
            _moved.Add(letter);
    }

    /// <summary>Notifies the application of the messages moved since the last call. A failure is kept for <see cref="Problem"/>: the messages are moved in any case.</summary>
    public async Task SendAsync()
    {
        if (_moved.Count == 0)
            return;
        try
        {
            await notify!(_moved, CancellationToken.None);
        }
        catch (DeadLetterException e)
        {
            (_missed, _why) = (_missed + _moved.Count, e.Message);
        }
        _moved.Clear();
    }

    /// <summary>Which messages the application was not notified of, and why; null if it was notified of all.</summary>
    public string? Problem => _why is null ? null : FormattableString.Invariant($"The application could not be notified of {_missed:N0} moved messages, so it may still show them as before: {_why}");
}
