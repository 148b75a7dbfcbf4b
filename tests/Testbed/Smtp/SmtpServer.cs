using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>
/// An SMTP server on 127.0.0.1 in this process, for tests and benchmarks. It records the mails that it took, can be stopped and started
/// on the same port, and misbehaves as configured. All members are thread-safe.
/// </summary>
public sealed class SmtpServer : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ReceivedMail> _mails = [];
    private readonly HashSet<ReceivedMail> _takenWithoutReply = [];
    private readonly Dictionary<int, int> _mailsByConnection = [];
    private readonly List<string> _protocolErrors = [];
    private readonly List<Waiter> _waiters = [];
    private readonly ConcurrentQueue<SmtpBehaviour> _nextConnections = new();
    private readonly ConcurrentQueue<SmtpBehaviour> _nextNoops = new();
    private readonly ConcurrentQueue<SmtpBehaviour> _nextMails = new();
    private readonly ConcurrentDictionary<int, (Socket Socket, Task Ended)> _open = new();
    private CancellationTokenSource _release = new();
    private CancellationTokenSource _running = new();
    private bool _started;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private int _connections;
    private int _transactions;
    private int _refused;
    private int _logins;
    private int _stalled;
    private int _openNow;
    private int _admitted;
    private int _beyondLimit;
    private int _mostOpen;
    private int _sending;
    private int _mostSending;

    /// <summary>Starts the server.</summary>
    /// <param name="options">The options; null uses the defaults on a free port.</param>
    public SmtpServer(SmtpServerOptions? options = null)
    {
        Options = options ?? new SmtpServerOptions();
        if (Options.Tls != SmtpServerTls.None && Options.Certificate is null)
            throw new ArgumentException("TLS requires a certificate", nameof(options));
        (Port, MaxConnections) = (Options.Port, Options.MaxConnections);
        Start();
    }

    /// <summary>The options of the server.</summary>
    public SmtpServerOptions Options { get; }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>As <see cref="SmtpServerOptions.MaxConnections"/>; a change applies to new connections.</summary>
    public int? MaxConnections { get; set; }

    /// <summary>The number of connections that were refused because of <see cref="MaxConnections"/>.</summary>
    public int ConnectionsTurnedAway => Volatile.Read(ref _beyondLimit);

    /// <summary>
    /// Decides the behaviour of a connection. Called once for each connection, at <see cref="SmtpStage.Greeting"/>, when no behaviour from
    /// <see cref="Next"/> is left. Null accepts.
    /// </summary>
    public Func<SmtpTransaction, SmtpBehaviour?>? OnConnect { get; set; }

    /// <summary>
    /// Decides the behaviour of a mail when no behaviour from <see cref="Next"/> is left. Called at <see cref="SmtpStage.Mail"/> and, while it
    /// returns null, again at each later stage, with more details. The first result that is not null applies to this mail. If all are null, the mail is accepted.
    /// </summary>
    public Func<SmtpTransaction, SmtpBehaviour?>? OnMail { get; set; }

    /// <summary>The mails that were accepted with 250, in order.</summary>
    public IReadOnlyList<ReceivedMail> Mails => Locked(() => _mails.ToArray());

    /// <summary>The number of <see cref="Mails"/>.</summary>
    public int MailCount => Locked(() => _mails.Count);

    /// <summary>
    /// The mails that were read to their final dot and got neither a refusal nor (yet) a 250. For the client, their outcome is unknown.
    /// </summary>
    public IReadOnlyList<ReceivedMail> TakenWithoutReply => Locked(() => _takenWithoutReply.ToArray());

    /// <summary>How often each Message-ID was accepted with 250.</summary>
    public IReadOnlyDictionary<string, int> MailsById => Locked(() => Count(_mails));

    /// <summary>How often each Message-ID was received, with a 250 or without a reply. A count above 1 means that a mail was sent more than once.</summary>
    public IReadOnlyDictionary<string, int> DeliveriesById => Locked(() => Count(_mails.Concat(_takenWithoutReply)));

    /// <summary>The number of mails that were accepted with 250, by connection number.</summary>
    public IReadOnlyDictionary<int, int> MailsByConnection => Locked(() => new Dictionary<int, int>(_mailsByConnection));

    /// <summary>Commands that SMTP does not allow at that point, for example because two sends share a connection.</summary>
    public IReadOnlyList<string> ProtocolErrors => Locked(() => _protocolErrors.ToArray());

    /// <summary>The number of connections so far, including refused ones.</summary>
    public int ConnectionsOpened => Volatile.Read(ref _connections);

    /// <summary>The number of open connections.</summary>
    public int ConnectionsOpen => Volatile.Read(ref _openNow);

    /// <summary>The highest number of connections that were open at the same time.</summary>
    public int MostConnectionsOpen => Volatile.Read(ref _mostOpen);

    /// <summary>The highest number of mails that were in transfer at the same time, from <c>MAIL</c> to the end of the transaction.</summary>
    public int MostSendsAtOnce => Volatile.Read(ref _mostSending);

    /// <summary>The number of mails for which a client sent <c>MAIL</c>, regardless of the outcome.</summary>
    public int MailsOffered => Volatile.Read(ref _transactions);

    /// <summary>The number of 4xx and 5xx replies that <see cref="SmtpBehaviour.Reply"/> caused for mails.</summary>
    public int MailsRefused => Volatile.Read(ref _refused);

    /// <summary>The number of login attempts, successful or not.</summary>
    public int LoginsTried => Volatile.Read(ref _logins);

    /// <summary>The number of connections that are waiting for <see cref="Release"/>.</summary>
    public int StalledNow => Volatile.Read(ref _stalled);

    /// <summary>
    /// Queues behaviours. Each applies to one mail, or to one connection or <c>NOOP</c> if its stage is that. Queued behaviours take precedence over
    /// <see cref="OnMail"/> and <see cref="OnConnect"/>.
    /// </summary>
    /// <param name="behaviours">The behaviours, in order.</param>
    public void Next(params IEnumerable<SmtpBehaviour> behaviours)
    {
        foreach (var behaviour in behaviours)
            QueueFor(behaviour.Stage).Enqueue(behaviour);
    }

    /// <summary>Resumes all stalled connections.</summary>
    public void Release()
    {
        var released = Interlocked.Exchange(ref _release, new CancellationTokenSource());
        released.Cancel(); // not disposed: a connection may be about to wait for it
    }

    /// <summary>Clears the mails, the protocol errors and the queued behaviours; the counters are kept.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _mails.Clear();
            _takenWithoutReply.Clear();
            _mailsByConnection.Clear();
            _protocolErrors.Clear();
        }
        _nextConnections.Clear();
        _nextNoops.Clear();
        _nextMails.Clear();
    }

    /// <summary>Starts the server again on the same port. Does nothing if it is running.</summary>
    public void Start()
    {
        if (_started)
            return;
        _listener = Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _running.Dispose();
        _running = new CancellationTokenSource();
        _accepting = AcceptAsync(_listener, _running.Token);
        _started = true;
    }

    /// <summary>Stops listening and closes every connection, even in the middle of a mail. The mails and counters are kept.</summary>
    public async Task StopAsync()
    {
        if (!Interlocked.Exchange(ref _started, false))
            return;
        await _running.CancelAsync();
        _listener!.Dispose();
        await _accepting;
        var open = _open.Values.ToArray();
        foreach (var (socket, _) in open)
            socket.Dispose();
        foreach (var (_, ended) in open)
            await ended;
    }

    /// <summary>Closes all open connections, between two mails or during one; the server continues to listen.</summary>
    public void CloseConnections()
    {
        foreach (var (socket, _) in _open.Values)
            SmtpSession.HangUp(socket);
    }

    /// <summary>Waits until a condition is satisfied. The condition is checked whenever the state of the server changes.</summary>
    /// <param name="condition">A condition on this server.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task WaitUntilAsync(Func<SmtpServer, bool> condition, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(() => condition(this));
        lock (_gate)
            _waiters.Add(waiter);
        try
        {
            Changed();
            await waiter.Done.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            lock (_gate)
                _waiters.Remove(waiter);
        }
    }

    /// <summary>Waits until there are at least <paramref name="count"/> <see cref="Mails"/>.</summary>
    /// <param name="count">The minimum number of mails.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task WaitForMailsAsync(int count, CancellationToken cancellationToken) =>
        WaitUntilAsync(server => server.MailCount >= count, cancellationToken);

    /// <summary>Stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _running.Dispose();
        _release.Dispose();
    }

    /// <summary>Returns whether one more connection is within <see cref="MaxConnections"/>. An admitted connection must call <see cref="EndAdmission"/> at its end.</summary>
    internal bool TryAdmit()
    {
        if (Interlocked.Increment(ref _admitted) <= (MaxConnections ?? int.MaxValue))
            return true;
        Interlocked.Decrement(ref _admitted);
        Interlocked.Increment(ref _beyondLimit);
        return false;
    }

    internal void EndAdmission() => Interlocked.Decrement(ref _admitted);

    internal SmtpBehaviour DecideConnection(int connection) =>
        _nextConnections.TryDequeue(out var next)
            ? next
            : OnConnect?.Invoke(new SmtpTransaction(connection, 0, SmtpStage.Greeting)) ?? SmtpBehaviour.Accept;

    internal SmtpBehaviour DecideNoop() => _nextNoops.TryDequeue(out var next) ? next : SmtpBehaviour.Accept;

    internal SmtpBehaviour? DecideMail(SmtpTransaction transaction) =>
        transaction.Stage == SmtpStage.Mail && _nextMails.TryDequeue(out var next) ? next : OnMail?.Invoke(transaction);

    internal int BeginTransaction()
    {
        RaiseTo(ref _mostSending, Interlocked.Increment(ref _sending));
        return Interlocked.Increment(ref _transactions);
    }

    internal void EndTransaction()
    {
        Interlocked.Decrement(ref _sending);
        Changed();
    }

    internal void CountLogin() => Interlocked.Increment(ref _logins);

    internal void CountRefusal() => Interlocked.Increment(ref _refused);

    internal void AddProtocolError(string error)
    {
        lock (_gate)
            _protocolErrors.Add(error);
    }

    /// <summary>Records a mail that was read completely. From now on it counts as delivered, even if the reply is lost.</summary>
    internal void Take(ReceivedMail mail)
    {
        lock (_gate)
            _takenWithoutReply.Add(mail);
        Changed();
    }

    /// <summary>Called before the 250 is written, so that the mail is in <see cref="Mails"/> when the client reads the reply.</summary>
    internal void Accept(ReceivedMail mail)
    {
        lock (_gate)
        {
            _takenWithoutReply.Remove(mail);
            _mails.Add(mail);
            _mailsByConnection[mail.Connection] = _mailsByConnection.GetValueOrDefault(mail.Connection) + 1;
        }
        Changed();
    }

    /// <summary>Called when the reply could not be written.</summary>
    internal void TakeBack(ReceivedMail mail)
    {
        lock (_gate)
        {
            if (_mails.Remove(mail))
                _takenWithoutReply.Add(mail);
            _mailsByConnection[mail.Connection] = _mailsByConnection.GetValueOrDefault(mail.Connection, 1) - 1;
        }
        Changed();
    }

    internal CancellationTokenRegistration BeginStall(Action onRelease)
    {
        var registration = _release.Token.Register(onRelease);
        Interlocked.Increment(ref _stalled);
        Changed();
        return registration;
    }

    internal void EndStall()
    {
        Interlocked.Decrement(ref _stalled);
        Changed();
    }

    private ConcurrentQueue<SmtpBehaviour> QueueFor(SmtpStage stage) => stage switch
    {
        SmtpStage.Greeting or SmtpStage.Ehlo or SmtpStage.StartTls or SmtpStage.Login => _nextConnections,
        SmtpStage.Noop => _nextNoops,
        _ => _nextMails,
    };

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (Options.ReceiveBuffer > 0)
                listener.ReceiveBufferSize = Options.ReceiveBuffer; // inherited by accepted sockets
            listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
            listener.Listen(1024);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listener, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(stop);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
            var number = Interlocked.Increment(ref _connections);
            RaiseTo(ref _mostOpen, Interlocked.Increment(ref _openNow));
            var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _open[number] = (socket, ServeAsync(begin.Task, socket, number, stop));
            begin.SetResult();
        }
    }

    private async Task ServeAsync(Task begin, Socket socket, int number, CancellationToken stop)
    {
        await begin;
        try
        {
            await using var session = new SmtpSession(this, socket, number, stop);
            await session.RunAsync();
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException or IOException)
        {
            // The server was stopped before the session had begun.
        }
        finally
        {
            _open.TryRemove(number, out _);
            Interlocked.Decrement(ref _openNow);
            Changed();
        }
    }

    private void Changed()
    {
        lock (_gate)
        {
            foreach (var waiter in _waiters)
                if (waiter.Condition())
                    waiter.Done.TrySetResult();
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
            return read();
    }

    private static Dictionary<string, int> Count(IEnumerable<ReceivedMail> mails) =>
        mails.CountBy(mail => mail.MessageId).ToDictionary(StringComparer.Ordinal);

    private static void RaiseTo(ref int highest, int value)
    {
        for (var seen = Volatile.Read(ref highest); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref highest, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }

    private sealed record Waiter(Func<bool> Condition)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
