using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures the pages of the catalogue with 100,000 dead letters in 50 queues, 10 readers and a paced replay running, compared with the pages that
/// read the same queues: those without the replay, during which they refuse. Also how fast the feed is, what it costs the application, and its memory.
/// </summary>
internal static class BoardPages
{
    private const int Letters = 100_000;
    private const int Readers = 10;
    private const int ViewsOfEach = 20;
    private const int ViewsOfQueues = 5;
    private const int Copied = 5_000;
    private const int Rounds = 5;

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    public static async Task<int> RunAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        DeadLetterPages.AddTo(system);
        system.Settings["ConnectionStrings__DeadLetters"] = system.VirtualHost.ConnectionString("operator");
        await DeadLetterPages.AddUserAsync(system.Broker, "bench", "administrator");
        var fill = new DeadLetterFill(system.VirtualHost);
        await fill.DeclareAsync();
        var version = await system.Broker.VersionAsync();

        var plain = system.NewWeb();
        system.Settings["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(system.Folder, "dead-letters.db")}";
        var board = system.NewWeb();
        await MeasureFeedAsync(system, board, fill, version);
        await MeasureCostAsync(system, fill, version);
        await plain.StartAsync();
        await MeasurePagesAsync(system, plain, board, version);
        var (with, without) = (ProcessFigures.OwnMemory(board.Id), ProcessFigures.OwnMemory(plain.Id));
        await PerformanceTable.WriteAsync(
            "memory of Web with the catalogue of 100,000 dead letters, after these views", "the same without a catalogue", "≤ 60 MiB more",
            string.Create(CultureInfo.InvariantCulture, $"{with - without:0} MiB more"), with - without <= 60,
            string.Create(CultureInfo.InvariantCulture, $"private and not file-backed: {with:0} MiB vs {without:0} MiB"), broker: version);
        return 0;
    }

    // All copies wait in the feed when Web starts, so that publishing does not take part.
    private static async Task MeasureFeedAsync(WorkinItSystem system, ServiceProcess board, DeadLetterFill fill, string version)
    {
        await board.StartAsync();
        await SeeFedAsync(system, [.. DeadLetterFill.Names]);
        await board.KillAsync(); // a host that stops in order removes the bindings of the feed
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"publishing {Letters:N0} dead letters …"));
        await fill.PublishAsync(Letters);
        await system.SeeReadyAsync("dead-letters.feed", Letters, _patience);
        board.Launch();
        await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("dead-letters.feed"), ready => ready < Letters, "the feed is consumed", _patience);
        var (before, clock) = (ProcessFigures.Cpu(board.Id), Stopwatch.StartNew());
        await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("dead-letters.feed"), ready => ready == 0, "the feed is empty", _patience);
        var (seconds, cpu) = (clock.Elapsed.TotalSeconds, ProcessFigures.Cpu(board.Id) - before);
        await board.SeeReadyAsync(true, _patience);
        var rate = Letters / seconds;
        await PerformanceTable.WriteAsync(
            "feed: dead letters into the catalogue, on SQLite", "–", "≥ 5,000/s", string.Create(CultureInfo.InvariantCulture, $"{rate:N0}/s"), rate >= 5000,
            string.Create(CultureInfo.InvariantCulture, $"{Letters:N0} in {seconds:0.0} s"), string.Create(CultureInfo.InvariantCulture, $"Web {cpu.TotalMilliseconds / Letters:0.000} ms"), version);
    }

    // The application waits for the confirm of each dead letter. The exchange of the second series leads to a queue that is not a dead-letter queue.
    private static async Task MeasureCostAsync(WorkinItSystem system, DeadLetterFill fill, string version)
    {
        await using (var channel = await system.VirtualHost.OpenChannelAsync())
        {
            foreach (var queue in new[] { "cost_error", "cost_plain" })
            {
                await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
                await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
                await channel.QueueBindAsync(queue, queue, "");
            }
        }
        await SeeFedAsync(system, ["cost_error"]);
        var (fed, alone) = (new Series(), new Series());
        for (var round = 0; round < Rounds; round++)
        {
            await MeasureAsync("cost_error", fed);
            await MeasureAsync("cost_plain", alone);
        }
        var ratio = fed.Median / alone.Median;
        await PerformanceTable.WriteAsync(
            "the application's way into its error queue while the catalogue is fed, 16 at a time", "the same exchange without the feed", "≥ 0.9", PerformanceTable.Ratio(ratio), ratio >= 0.9,
            $"{fed.Text} vs {alone.Text}", broker: version);

        async Task MeasureAsync(string exchange, Series series)
        {
            var clock = Stopwatch.StartNew();
            await fill.PublishToAsync(exchange, Copied, outstanding: 16);
            series.Add(Copied / clock.Elapsed.TotalSeconds);
            await using var channel = await system.VirtualHost.OpenChannelAsync();
            await channel.QueuePurgeAsync(exchange);
        }
    }

    private static async Task MeasurePagesAsync(WorkinItSystem system, ServiceProcess plain, ServiceProcess board, string version)
    {
        const string queue = $"/dead-letters/queues/{DeadLetterFill.LargestQueue}";
        using var reader = await SignedInAsync(plain);
        using var boardReader = await SignedInAsync(board);
        await reader.GetAsync(queue); // a form needs the token of a page that was opened after the sign-in
        var cause = (await boardReader.GetAsync("/dead-letters")).Link("/dead-letters/causes/");
        // The newest one: the replays move those at the head.
        var newest = await FilteredAsync(boardReader, "/dead-letters/search", ("q", $"queue:\"{DeadLetterFill.LargestQueue}\""), ("to", "letters"));
        var id = (await boardReader.GetAsync(newest)).Link($"/queues/{DeadLetterFill.LargestQueue}/letters/").Split('/', '?')[^1];
        var (oldText, text) = (await FilteredAsync(reader, $"{queue}/filter", ("text", "number 99999,")), await FilteredAsync(boardReader, "/dead-letters/search", ("q", "\"number 99999,\""), ("to", "letters")));
        var replay = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = system.VirtualHost.ConnectionString("operator"),
            ["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = Path.Combine(system.Folder, "bench-audit.jsonl"),
        });
        foreach (var (what, before, now) in new[]
        {
            ("board: all queues and causes", $"{queue}?all=true", "/dead-letters"),
            ("one cause", $"{queue}?all=true", cause),
            ("list of messages", $"{queue}/letters", "/dead-letters/letters"),
            ("one message", $"{queue}/letters/{id}", $"{queue}/letters/{id}"),
            ("filter by text", $"{oldText}&all=true", text),
            ("histogram of 7 days", $"{queue}?all=true", "/dead-letters?span=7d"),
        })
        {
            var old = await MeasureAsync([reader], before, ViewsOfQueues);
            using var running = replay.Start(["dead-letters", "replay", "--queue", DeadLetterFill.LargestQueue, "--all", "--yes", "--pace", "20", "--wait", "0"]);
            running.StandardInput.Close();
            var readers = Enumerable.Range(0, Readers).Select(_ => boardReader.CopyTo(board.Address)).ToList(); // sign-ins are limited
            await MeasureAsync(readers, now, 2); // until the just-in-time compiler has finished
            var times = await MeasureAsync(readers, now, ViewsOfEach);
            foreach (var each in readers)
                each.Dispose();
            running.Kill();
            await running.WaitForExitAsync();
            var (p50, p99, ratio) = (At(times, 50), At(times, 99), At(old, 50) / At(times, 50));
            await PerformanceTable.WriteAsync(
                $"{what}: 100,000 dead letters in 50 queues, 10 readers, a replay running", "the pages that read the queue, one reader, no replay", "p99 ≤ 200 ms, ≥ 25 times faster",
                string.Create(CultureInfo.InvariantCulture, $"p99 {p99:0} ms, {ratio:0.0} times"), p99 <= 200 && ratio >= 25,
                string.Create(CultureInfo.InvariantCulture, $"median {p50:0} ms vs {At(old, 50):N0} ms ({old.Min():N0}–{old.Max():N0})"), broker: version);
        }
    }

    private static async Task<List<double>> MeasureAsync(IReadOnlyList<PageClient> readers, string path, int views)
    {
        var times = new ConcurrentBag<double>();
        await Task.WhenAll(readers.Select(async reader =>
        {
            for (var view = 0; view < views; view++)
            {
                var since = Stopwatch.GetTimestamp();
                var answer = await reader.GetAsync(path);
                times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                if (answer.Status != HttpStatusCode.OK)
                    throw new InvalidOperationException($"{path} returned {(int)answer.Status}: {answer.Text}");
            }
        }));
        return [.. times.Order()];
    }

    private static async Task<string> FilteredAsync(PageClient client, string form, params (string Name, string Value)[] fields) =>
        await client.PostAsync(form, fields) is { Location: { } address } ? address : throw new InvalidOperationException($"{form} did not accept the filter");

    private static double At(List<double> times, int percent) => times[Math.Min(times.Count - 1, times.Count * percent / 100)];

    private static async Task<PageClient> SignedInAsync(ServiceProcess web)
    {
        var client = new PageClient(web.Address);
        if (await client.SignInAsync("bench") is { Location: null } refused)
            throw new InvalidOperationException($"The sign-in failed: {refused.Text}");
        return client;
    }

    private static Task<JsonElement> SeeFedAsync(WorkinItSystem system, IReadOnlyCollection<string> exchanges) => Eventually.SeeAsync(
        () => system.VirtualHost.ManagementAsync("bindings/{vhost}"),
        bindings => exchanges.All(bindings.EnumerateArray().Where(binding => binding.GetProperty("destination").GetString() == "dead-letters.feed").Select(binding => binding.GetProperty("source").GetString()!).ToHashSet().Contains),
        $"{string.Join(", ", exchanges)} are fed", TimeSpan.FromSeconds(30));
}
