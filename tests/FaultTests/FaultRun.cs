using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>
/// One run: a system under load, a fault, and the counts at the end. Each submission is sent with its own idempotency key
/// and repeated until it is accepted, as a careful client does.
/// </summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private const string FaultTap = "fault-tap";

    private readonly ConcurrentDictionary<Guid, TimeSpan> _accepted = new(); // the value is the time of acceptance on _clock
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ReliabilityTable _table;
    private readonly string _fault;

    private FaultRun(WorkinItSystem system, string fault, ReliabilityTable table) => (System, _fault, _table) = (system, fault, table);

    public WorkinItSystem System { get; }

    public ServiceProcess Web { get; private set; } = null!;

    public ServiceProcess Consumers { get; private set; } = null!;

    public int AcceptedSoFar => _accepted.Count;

    /// <summary>How often each Message-ID was delivered; null uses the counts of the test mail server.</summary>
    public Func<IReadOnlyDictionary<string, int>>? HandedOver { get; set; }

    /// <summary>For runs in which Consumers die and held mails are allowed. Mails in flight are leased for 10 s more than this.</summary>
    public static (string Name, string Value) ShortLease { get; } = ("Smtp__SendTimeout", "00:00:03");

    /// <summary>Starts a system with short redelivery delays.</summary>
    public static Task<FaultRun> StartAsync(string fault, ReliabilityTable table, params (string Name, string Value)[] settings) =>
        StartOnAsync(null, fault, table, settings);

    /// <summary>As <see cref="StartAsync"/>, on another broker than the one that ./test started; null uses that one.</summary>
    public static async Task<FaultRun> StartOnAsync(TestBroker? broker, string fault, ReliabilityTable table, params (string Name, string Value)[] settings)
    {
        var run = new FaultRun(await WorkinItSystem.CreateAsync(broker), fault, table);
        (string, string)[] defaults =
        [
            ("Redelivery__Delays__0", "00:00:01"), ("Redelivery__Delays__1", "00:00:02"), ("Redelivery__Delays__2", "00:00:04"),
            ("Redelivery__Delays__3", "00:00:08"), ("Redelivery__Delays__4", "00:00:16"),
            // Long enough that a stall of the machine does not hold mails: a mail whose reply comes too late is held.
            ("Smtp__SendTimeout", "00:00:10"), ("Retry__MaxInterval", "00:00:01"),
        ];
        foreach (var (name, value) in defaults.Concat(settings))
            run.System.Settings[name] = value;
        await run.System.PrepareAsync();
        await run.TapFaultsAsync();
        (run.Web, run.Consumers) = (run.System.NewWeb(), run.System.NewConsumers());
        await Task.WhenAll(run.Web.StartAsync(), run.Consumers.StartAsync());
        return run;
    }

    /// <summary>Submits until <paramref name="count"/> submissions are accepted.</summary>
    /// <param name="count">The number of submissions; null uses <see cref="Scale.Submissions"/>.</param>
    /// <param name="atOnce">The maximum number of concurrent requests.</param>
    /// <param name="submission">The content of the submission with this number; null uses a default.</param>
    /// <param name="pause">The time between the starts of two submissions.</param>
    public Task LoadAsync(int? count = null, int atOnce = 8, Func<int, (string Email, string Thought)>? submission = null, TimeSpan pause = default)
    {
        var begin = _clock.Elapsed;
        return Parallel.ForAsync(0, count ?? Scale.Submissions, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (number, cancellationToken) =>
        {
            if (begin + number * pause - _clock.Elapsed is { Ticks: > 0 } early)
                await Task.Delay(early, cancellationToken);
            var (email, thought) = submission?.Invoke(number) ?? (Address(number), $"thought number {number} about the weather");
            var key = Guid.CreateVersion7();
            while (!await TrySubmitAsync(key, email, thought, cancellationToken))
                await Task.Delay(100, cancellationToken);
            _accepted[key] = _clock.Elapsed;
        });
    }

    public static string Address(int number) => string.Create(CultureInfo.InvariantCulture, $"somebody{number}@people.example");

    /// <summary>Runs the load, and triggers the fault several times at regular intervals of it.</summary>
    public async Task BreakAsync(int times, Func<Task> fault)
    {
        var load = LoadAsync();
        for (var time = 1; time <= times; time++)
        {
            var due = Scale.Submissions * time / (times + 1);
            await Eventually.SeeAsync(() => AcceptedSoFar >= due || load.IsCompleted, $"{due} submissions accepted", TimeSpan.FromMinutes(5));
            await fault();
        }
        await load;
    }

    /// <summary>Waits until a process that was just started has sent a mail or the queue is empty, so that the next fault hits a working process.</summary>
    public async Task SeeProgressAsync()
    {
        var before = System.Mail.MailCount;
        await Eventually.SeeAsync(
            async () => System.Mail.MailCount > before || await System.VirtualHost.ReadyAsync("send-gif-email") == 0, seen => seen, "another mail sent, or send-gif-email empty");
    }

    /// <summary>The longest time between two acceptances, and between two mails, so far.</summary>
    public (TimeSpan Accepted, TimeSpan Mailed) LongestSilences() => (
        Longest(_accepted.Values),
        Longest(System.Mail.Mails.Select(mail => mail.ReceivedAt - DateTimeOffset.UnixEpoch)));

    private static TimeSpan Longest(IEnumerable<TimeSpan> times)
    {
        var inOrder = times.Order().ToList();
        return inOrder.Zip(inOrder.Skip(1), (one, next) => next - one).DefaultIfEmpty().Max();
    }

    /// <summary>Waits until all submissions are finished, counts the outcomes, and checks that logs and faults contain no addresses.</summary>
    /// <param name="within">How long to wait for the mails; null waits 5 minutes.</param>
    /// <param name="ofCluster">Whether the run belongs in the cluster's table, which also shows the longest gaps.</param>
    public async Task<Tally> SettleAsync(TimeSpan? within = null, bool ofCluster = false)
    {
        string[] queues = ["send-gif-email", "send-gif-email_suspect", "submission-status", .. new[] { "1s", "2s", "4s", "8s", "16s", "64s" }.Select(delay => $"send-gif-email_delay_{delay}")];
        await ExplainedAsync(() => Eventually.SeeAsync(
            async () =>
            {
                var (mailed, dead) = (System.Mail.DeliveriesById, 0L);
                dead = await System.VirtualHost.ReadyAsync("send-gif-email_error");
                var waiting = new Dictionary<string, long>();
                foreach (var queue in queues)
                {
                    if (await System.VirtualHost.ReadyAsync(queue) is > 0 and var ready) // -1: this run has no such queue
                        waiting.Add(queue, ready);
                }
                return new Unsettled(_accepted.Keys.Count(id => !mailed.ContainsKey(MessageId(id))) - dead, waiting, Web.IsRunning, Consumers.IsRunning);
            },
            seen => seen is { Open: <= 0, Waiting.Count: 0 },
            "all submissions mailed or dead-lettered, and all queues empty",
            within ?? TimeSpan.FromMinutes(5)));

        // Submissions still in flight (a lease that has not run out, a mail without its reply) are neither sent nor dead-lettered yet. For a dead
        // letter, the status changes first: the fault is published and confirmed before the message is moved.
        var dead = new List<BasicGetResult>();
        var open = new HashSet<Guid>(_accepted.Keys);
        await Eventually.SeeAsync(
            async () =>
            {
                dead.AddRange(await System.VirtualHost.TakeAllAsync("send-gif-email_error"));
                open.ExceptWith(dead.Select(deadLetter => Guid.Parse(deadLetter.BasicProperties.MessageId!)));
                foreach (var id in open.ToArray())
                {
                    if ((await WorkinItSystem.StatusAsync(Web, id)).State == "sent")
                        open.Remove(id);
                }
                return open.Count;
            },
            left => left == 0, "each submission is sent or dead-lettered", TimeSpan.FromMinutes(2));
        foreach (var queue in queues)
            await Eventually.SeeAsync(() => System.VirtualHost.ReadyAsync(queue), ready => ready <= 0, $"nothing left in {queue}");

        dead.AddRange(await System.VirtualHost.TakeAllAsync("send-gif-email_error"));
        var tally = Count(dead);
        await _table.AddAsync(_fault, tally, _clock.Elapsed, System.Broker, ofCluster ? LongestSilences() : null);
        await ShouldNotContainAddressesAsync(dead);
        return tally;
    }

    public async ValueTask DisposeAsync() => await System.DisposeAsync();

    // Such a fault may need hundreds of runs, so the first one has to be enough to find it: the queues and the ends of the logs, which contain no addresses.
    private async Task ExplainedAsync(Func<Task> wait)
    {
        try
        {
            await wait();
        }
        catch (TimeoutException e)
        {
            var queues = await System.VirtualHost.ManagementAsync("queues/{vhost}?columns=name,state,messages_ready,messages_unacknowledged,consumers,leader,online");
            throw new TimeoutException($"{e.Message}\n{queues.GetRawText()}\nWeb:\n{End(Web)}\nConsumers:\n{End(Consumers)}", e);
        }

        static string End(ServiceProcess service) => string.Join('\n', service.Log.Split('\n').TakeLast(25));
    }

    /// <summary>The last observed state, for the error of a run that does not settle.</summary>
    private sealed record Unsettled(long Open, IReadOnlyDictionary<string, long> Waiting, bool WebRuns, bool ConsumersRun)
    {
        public override string ToString() =>
            $"{Open} neither mailed nor dead-lettered; waiting: {string.Join(", ", Waiting.Select(queue => $"{queue.Value} in {queue.Key}").DefaultIfEmpty("none"))}; " +
            $"Web {(WebRuns ? "runs" : "has ended")}, Consumers {(ConsumersRun ? "runs" : "has ended")}";
    }

    private Tally Count(IReadOnlyList<BasicGetResult> dead)
    {
        var arrivals = HandedOver?.Invoke() ?? System.Mail.DeliveriesById;
        var held = Ids(dead.Where(IsHeld));
        var failed = Ids(dead.Where(deadLetter => !IsHeld(deadLetter)));
        failed.ExceptWith(held);
        var mailed = _accepted.Keys.Where(id => arrivals.ContainsKey(MessageId(id)) && !held.Contains(id) && !failed.Contains(id)).ToHashSet();
        return new Tally(
            _accepted.Count,
            mailed.Count(id => arrivals[MessageId(id)] == 1),
            arrivals.Count(arrival => arrival.Value > 1),
            held.Count,
            failed.Count,
            _accepted.Keys.Count(id => !mailed.Contains(id) && !held.Contains(id) && !failed.Contains(id)),
            string.Join("; ", dead.CountBy(Reason).Select(reason => $"{reason.Value} × {reason.Key}")));

        static string Reason(BasicGetResult deadLetter) => deadLetter.BasicProperties.Headers?.ContainsKey("MT-Fault-Message") == true
            ? Text(deadLetter, "MT-Fault-Message") is var text && IsHeld(deadLetter) ? "Held" : $"{Text(deadLetter, "MT-Fault-ExceptionType")}: {text}"
            : $"dead-lettered by the broker: {Text(deadLetter, "x-first-death-reason")}";

        static string Text(BasicGetResult deadLetter, string header) =>
            deadLetter.BasicProperties.Headers?.TryGetValue(header, out var text) == true && text is byte[] bytes ? Encoding.UTF8.GetString(bytes) : "-";

        static HashSet<Guid> Ids(IEnumerable<BasicGetResult> deadLetters) => [.. deadLetters.Select(deadLetter => Guid.Parse(deadLetter.BasicProperties.MessageId!))];
    }

    private static bool IsHeld(BasicGetResult deadLetter) =>
        deadLetter.BasicProperties.Headers?.TryGetValue("MT-Fault-Message", out var text) == true
        && Encoding.UTF8.GetString((byte[])text!).StartsWith("Held", StringComparison.Ordinal);

    private async Task ShouldNotContainAddressesAsync(IReadOnlyList<BasicGetResult> dead)
    {
        const string domain = "people.example";
        System.Logs.ShouldNotContain(domain);
        foreach (var header in dead.SelectMany(deadLetter => deadLetter.BasicProperties.Headers ?? new Dictionary<string, object?>()))
            (header.Value is byte[] text ? Encoding.UTF8.GetString(text) : header.Value?.ToString() ?? "").ShouldNotContain(domain, Case.Sensitive, header.Key);
        foreach (var fault in await System.VirtualHost.TakeAllAsync(FaultTap))
        {
            using var envelope = JsonDocument.Parse(fault.Body);
            envelope.RootElement.GetProperty("message").GetProperty("exceptions").GetRawText().ShouldNotContain(domain);
        }
    }

    private async Task TapFaultsAsync()
    {
        await using var channel = await System.VirtualHost.OpenChannelAsync();
        await channel.QueueDeclareAsync(FaultTap, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(FaultTap, "MassTransit:Fault--WorkinIt.Contracts:SendGifEmail--", "");
    }

    private async Task<bool> TrySubmitAsync(Guid key, string email, string thought, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = JsonContent.Create(new { email, thought }) };
            request.Headers.Add("Idempotency-Key", key.ToString());
            using var response = await Web.Http.SendAsync(request, cancellationToken);
            return response.StatusCode switch
            {
                HttpStatusCode.Accepted => true,
                HttpStatusCode.ServiceUnavailable => false,
                _ => throw new InvalidOperationException($"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}"),
            };
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException && !cancellationToken.IsCancellationRequested)
        {
            return false; // it may have been accepted: a request with the same key does not create a second submission
        }
    }

    private static string MessageId(Guid id) => $"{id:N}@workinit.example";
}
