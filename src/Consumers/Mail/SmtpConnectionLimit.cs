namespace WorkinIt.Consumers.Mail;

/// <summary>
/// How many connections may be used at once: <c>Smtp__Connections</c>, or fewer while the mail server says so. A server that answers 421 to
/// one connection while it takes mails on others is up, and has a limit: the limit is learned from that, and tried again after a while.
/// </summary>
/// <param name="most">The setting.</param>
/// <param name="time">The clock.</param>
internal sealed class SmtpConnectionLimit(int most, TimeProvider time) : IDisposable
{
    // Each further try costs one connection that is refused, and the mail that wanted it waits for another.
    private static readonly TimeSpan _triesAgainAfter = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _free = new(most);
    private readonly Lock _gate = new();
    private int _open; // used, idle, and those that are being opened
    private int _withheld;
    private long _narrowedAt;
    private bool _disposed;

    /// <summary>How many may be used at once now.</summary>
    public int Current
    {
        get
        {
            lock (_gate)
                return most - _withheld;
        }
    }

    /// <summary>Waits for a place. End with <see cref="Leave"/>, or with <see cref="TryNarrow"/> where that says yes.</summary>
    public Task EnterAsync(CancellationToken cancellationToken) => _free.WaitAsync(cancellationToken);

    /// <summary>Gives the place back.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_disposed) // a send may outlast the pool, and must end as it would have
                return;
            _free.Release();
            if (_withheld == 0 || time.GetElapsedTime(_narrowedAt) < _triesAgainAfter)
                return;
            _withheld--;
            _free.Release();
        }
    }

    /// <summary>A connection is being opened.</summary>
    public void Opening()
    {
        lock (_gate)
            _open++;
    }

    /// <summary>A connection was closed, or could not be opened.</summary>
    public void Closed()
    {
        lock (_gate)
            _open--;
    }

    /// <summary>The server wanted no further connection from one that has a place and no connection.</summary>
    /// <returns>Whether there are other connections, so that it can wait for one of them: its place is gone then. If there are none, the server takes no mail at all.</returns>
    public bool TryNarrow()
    {
        lock (_gate)
        {
            if (_open == 0 || _disposed)
                return false;
            _withheld++;
            while (most - _withheld > _open && _free.Wait(0))
                _withheld++;
            _narrowedAt = time.GetTimestamp();
            return true;
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _disposed = true;
        _free.Dispose();
    }
}
