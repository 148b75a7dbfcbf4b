using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>
/// An SMTP server on 127.0.0.1 in this process, for tests and benchmarks. It keeps count of what it took, can be stopped and started
/// on its port, and misbehaves as told. All members are thread-safe.
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
    private int _turnedAway;
    private int _mostOpen;
    private int _sending;
    private int _mostSending;

    /// <summary>Starts the server.</summary>
    /// <param name="options">What it offers; null for the defaults on a free port.</param>
    public SmtpServer(SmtpServerOptions? options = null)
    {
        Options = options ?? new SmtpServerOptions();
        if (Options.Tls != SmtpServerTls.None && Options.Certificate is null)
            throw new ArgumentException("TLS takes a certificate", nameof(options));
        (Port, MaxConnections) = (Options.Port, Options.MaxConnections);
        Start();
    }

    /// <summary>What it offers.</summary>
    public SmtpServerOptions Options { get; }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>As <see cref="SmtpServerOptions.MaxConnections"/>; a change counts for those who come.</summary>
    public int? MaxConnections { get; set; }

    /// <summary>Connections that were beyond <see cref="MaxConnections"/>.</summary>
    public int ConnectionsTurnedAway => Volatile.Read(ref _turnedAway);

    /// <summary>
    /// Asked once for each connection, at <see cref="SmtpStage.Greeting"/>, when nothing is left of <see cref="Next"/>. Null: accept.
    /// </summary>
    public Func<SmtpTransaction, SmtpBehaviour?>? OnConnect { get; set; }

    /// <summary>
    /// Asked for each mail, when nothing is left of <see cref="Next"/>: at <see cref="SmtpStage.Mail"/>, and as long as it answers null
    /// again at the later stages, where more is known. Its first answer that is not null counts for this mail. Null to the end: accept.
    /// </summary>
    public Func<SmtpTransaction, SmtpBehaviour?>? OnMail { get; set; }

    /// <summary>The mails that were answered by 250, in their order.</summary>
    public IReadOnlyList<ReceivedMail> Mails => Locked(() => _mails.ToArray());

    /// <summary>The number of <see cref="Mails"/>.</summary>
    public int MailCount => Locked(() => _mails.Count);

    /// <summary>
    /// The mails that were read to their final dot and got neither a refusal nor (yet) a 250: for the client their outcome is unknown.
    /// </summary>
    public IReadOnlyList<ReceivedMail> TakenWithoutReply => Locked(() => _takenWithoutReply.ToArray());

    /// <summary>How often each Message-ID was answered by 250.</summary>
    public IReadOnlyDictionary<string, int> MailsById => Locked(() => Count(_mails));

    /// <summary>How often each Message-ID arrived, with a 250 or without an answer: more than one is a mail sent twice.</summary>
    public IReadOnlyDictionary<string, int> DeliveriesById => Locked(() => Count(_mails.Concat(_takenWithoutReply)));

    /// <summary>Mails that were answered by 250, by the number of their connection.</summary>
    public IReadOnlyDictionary<int, int> MailsByConnection => Locked(() => new Dictionary<int, int>(_mailsByConnection));

    /// <summary>What a client said that SMTP does not allow at that point: two sends that share a connection, for example.</summary>
    public IReadOnlyList<string> ProtocolErrors => Locked(() => _protocolErrors.ToArray());

    /// <summary>Connections that were accepted, refused ones included.</summary>
    public int ConnectionsOpened => Volatile.Read(ref _connections);

    /// <summary>Connections that are open now.</summary>
    public int ConnectionsOpen => Volatile.Read(ref _openNow);

    /// <summary>The most connections that were open at once.</summary>
    public int MostConnectionsOpen => Volatile.Read(ref _mostOpen);

    /// <summary>The most mails that were between <c>MAIL</c> and the end of their dialogue at once.</summary>
    public int MostSendsAtOnce => Volatile.Read(ref _mostSending);

    /// <summary>Mails that were offered (<c>MAIL</c> came), whatever became of them.</summary>
    public int MailsOffered => Volatile.Read(ref _transactions);

    /// <summary>Replies of 4xx and 5xx that <see cref="SmtpBehaviour.Reply"/> gave to a mail.</summary>
    public int MailsRefused => Volatile.Read(ref _refused);

    /// <summary>How often somebody sent a user and a password, the right one or not.</summary>
    public int LoginsTried => Volatile.Read(ref _logins);

    /// <summary>Connections that wait for <see cref="Release"/> now.</summary>
    public int StalledNow => Volatile.Read(ref _stalled);

    /// <summary>
    /// Puts behaviours in line: each is for one mail (or one connection or <c>NOOP</c>, where its stage is that), before
    /// <see cref="OnMail"/> is asked.
    /// </summary>
    /// <param name="behaviours">In their order.</param>
    public void Next(params IEnumerable<SmtpBehaviour> behaviours)
    {
        foreach (var behaviour in behaviours)
            InLine(behaviour.Stage).Enqueue(behaviour);
    }

    /// <summary>Lets everything go on that stalls.</summary>
    public void Release()
    {
        var released = Interlocked.Exchange(ref _release, new CancellationTokenSource());
        released.Cancel(); // and not disposed of: a connection may be about to wait for it
    }

    /// <summary>Forgets mails, protocol errors and the behaviours in line; the counters go on.</summary>
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

    /// <summary>Starts again, on the same port. Does nothing when it runs.</summary>
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

    /// <summary>The mail server is down: nobody listens, and every connection is closed in the middle of whatever it does. Mails and counters stay.</summary>
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

    /// <summary>Closes the connections of clients that wait between two mails, or in one; the server goes on listening.</summary>
    public void CloseConnections()
    {
        foreach (var (socket, _) in _open.Values)
            SmtpSession.HangUp(socket);
    }

    /// <summary>Waits until something is so. The condition is looked at again whenever the server has done something.</summary>
    /// <param name="condition">About this server.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
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

    /// <summary>Waits for this many <see cref="Mails"/>.</summary>
    /// <param name="count">At least.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task WaitForMailsAsync(int count, CancellationToken cancellationToken) =>
        WaitUntilAsync(server => server.MailCount >= count, cancellationToken);

    /// <summary>Stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _running.Dispose();
        _release.Dispose();
    }

    /// <summary>Whether one more connection is within <see cref="MaxConnections"/>; the one that is, leaves with <see cref="EndAdmission"/>.</summary>
    internal bool TryAdmit()
    {
        if (Interlocked.Increment(ref _admitted) <= (MaxConnections ?? int.MaxValue))
            return true;
        Interlocked.Decrement(ref _admitted);
        Interlocked.Increment(ref _turnedAway);
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

    /// <summary>From here on the mail counts as delivered, whatever becomes of the answer.</summary>
    internal void Take(ReceivedMail mail)
    {
        lock (_gate)
            _takenWithoutReply.Add(mail);
        Changed();
    }

    /// <summary>Called before the 250 is written, so that a client that has read it finds its mail here.</summary>
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

    /// <summary>The 250 could not be written.</summary>
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

    private ConcurrentQueue<SmtpBehaviour> InLine(SmtpStage stage) => stage switch
    {
        SmtpStage.Greeting or SmtpStage.Ehlo or SmtpStage.Login => _nextConnections,
        SmtpStage.Noop => _nextNoops,
        _ => _nextMails,
    };

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (Options.ReceiveBuffer > 0)
                listener.ReceiveBufferSize = Options.ReceiveBuffer; // inherited by what it accepts
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
            // It was stopped before the dialogue had begun.
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
