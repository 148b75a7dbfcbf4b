namespace WorkinIt.Consumers.Mail;

/// <summary>
/// Limits the connections used at once: <c>Smtp__Connections</c>, or fewer while the mail server allows fewer. A server that answers 4xx to
/// one connection while it accepts mails on others is up and has a limit. This class lowers its own limit then, and raises it again later.
/// </summary>
/// <param name="most">The maximum: <c>Smtp__Connections</c>.</param>
/// <param name="time">The clock.</param>
internal sealed class SmtpConnectionLimit(int most, TimeProvider time) : IDisposable
{
    // If the server's limit is still the same, each such try costs one refused connection, and the mail that wanted it waits for another one.
    private static readonly TimeSpan _triesAgainAfter = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _free = new(most);
    private readonly Lock _gate = new();
    private int _open; // used, idle, or being opened
    private int _withheld;
    private long _narrowedAt;
    private bool _disposed;

    /// <summary>How many connections may be used at once now.</summary>
    public int Current
    {
        get
        {
            lock (_gate)
                return most - _withheld;
        }
    }

    /// <summary>Waits for a slot. Give it back with <see cref="Leave"/>; a <see cref="TryNarrow"/> that returns true has already removed it.</summary>
    public Task EnterAsync(CancellationToken cancellationToken) => _free.WaitAsync(cancellationToken);

    /// <summary>Gives the slot back.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_disposed) // a send may outlast the pool, and must still end normally
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

    /// <summary>Lowers the limit after the server refused a connection to a caller that has a slot.</summary>
    /// <returns>
    /// True if other connections are open: the caller's slot is removed, and it can wait for one of them. False if none are open: the server
    /// accepts no mail at all.
    /// </returns>
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
