using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures the pages of the catalogue with 100,000 dead letters in 50 queues, 10 readers and a paced replay running, compared with the pages that
/// read the same queues: those without the replay, during which they refuse. Also how fast the feed is, what it costs the application, and its memory.
/// A row that fails does not prevent the others.
/// </summary>
internal static class BoardPages
{
    private const int Readers = 10;
    private const int ViewsOfEach = 20;
    private const int ViewsOfQueues = 5;
    private const string Queue = $"/dead-letters/queues/{DeadLetterFill.LargestQueue}";

    /// <summary>How many dead letters there are in the rows of the table.</summary>
    public const int Measured = 100_000;

    // One view of a page that reads a long queue takes up to 14 s. Enough views of the quick ones, few of the slow ones.
    private static readonly TimeSpan _longestSeries = TimeSpan.FromSeconds(45);

    /// <summary>Measures all rows.</summary>
    /// <param name="letters">How many dead letters; the rows of another number are beside those of <see cref="Measured"/>.</param>
    /// <returns>The exit code: 1 if a row could not be measured.</returns>
    public static async Task<int> RunAsync(int letters)
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
        await BoardFeed.MeasureAsync(system, board, fill, letters, version);
        var failed = 0;
        await RowAsync("cost", () => BoardFeed.MeasureCostAsync(system, board, fill, version));
        await plain.StartAsync();
        await MeasurePagesAsync(system, plain, board, letters, version, RowAsync);
        await RowAsync("memory", () => MeasureMemoryAsync(plain, board, letters, version));
        return failed > 0 ? 1 : 0;

        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The other rows can be measured all the same")]
        async Task RowAsync(string what, Func<Task> measure)
        {
            try
            {
                await measure();
            }
            catch (Exception e)
            {
                failed++;
                await Console.Error.WriteLineAsync($"{what}: {e}");
            }
        }
    }

    private static async Task MeasureMemoryAsync(ServiceProcess plain, ServiceProcess board, int letters, string version)
    {
        var (with, without) = (ProcessFigures.OwnMemory(board.Id), ProcessFigures.OwnMemory(plain.Id));
        await PerformanceTable.WriteAsync(
            string.Create(CultureInfo.InvariantCulture, $"memory of Web with the catalogue of {letters:N0} dead letters, after these views"), "the same without a catalogue", "≤ 60 MiB more",
            string.Create(CultureInfo.InvariantCulture, $"{with - without:0} MiB more"), with - without <= 60,
            string.Create(CultureInfo.InvariantCulture, $"private and not file-backed: {with:0} MiB vs {without:0} MiB"), broker: version);
    }

    // The queues are read before the replay starts, because nobody can read them while it runs.
    private static async Task MeasurePagesAsync(WorkinItSystem system, ServiceProcess plain, ServiceProcess board, int letters, string version, Func<string, Func<Task>, Task> row)
    {
        using var reader = await SignedInAsync(plain);
        using var boardReader = await SignedInAsync(board);
        await reader.GetAsync(Queue); // a form needs the token of a page that was opened after the sign-in
        var old = new Dictionary<string, List<double>>();
        var pages = await PagesAsync(reader, boardReader, letters);
        foreach (var (_, before, _) in pages.Where(page => !old.ContainsKey(page.Before)))
            await row(before, async () => old[before] = await MeasureAsync([reader], before, ViewsOfQueues, _longestSeries));
        using var running = Replay(system);
        foreach (var (what, before, now) in pages.Where(page => old.ContainsKey(page.Before)))
            await row(what, () => MeasurePageAsync(board, boardReader, string.Create(CultureInfo.InvariantCulture, $"{what}: {letters:N0}"), old[before], now, version));
        if (running.HasExited)
            throw new InvalidOperationException($"The replay ended with {running.ExitCode}, so the pages were measured without it");
        running.Kill();
        await running.WaitForExitAsync();
    }

    private static async Task<IReadOnlyList<(string What, string Before, string Now)>> PagesAsync(PageClient reader, PageClient boardReader, int letters)
    {
        var cause = (await boardReader.GetAsync("/dead-letters")).Link("/dead-letters/causes/");
        // The newest one: the replay moves those at the head.
        var newest = await FilteredAsync(boardReader, "/dead-letters/search", ("q", $"queue:\"{DeadLetterFill.LargestQueue}\""), ("to", "letters"));
        var letter = (await boardReader.GetAsync(newest)).Link($"{Queue}/letters/");
        var last = Enumerable.Range(1, letters).Select(before => letters - before).First(number => DeadLetterFill.QueueOf(number) == DeadLetterFill.LargestQueue);
        var text = string.Create(CultureInfo.InvariantCulture, $"number {last},");
        return
        [
            ("board: all queues and causes", $"{Queue}?all=true", "/dead-letters"),
            ("one cause", $"{Queue}?all=true", cause),
            ("list of messages", $"{Queue}/letters", "/dead-letters/letters"),
            ("one message", letter, letter),
            ("filter by text", await FilteredAsync(reader, $"{Queue}/filter", ("text", text)) + "&all=true", await FilteredAsync(boardReader, "/dead-letters/search", ("q", $"\"{text}\""), ("to", "letters"))),
            ("histogram of 7 days", $"{Queue}?all=true", "/dead-letters?span=7d"),
        ];
    }

    private static async Task MeasurePageAsync(ServiceProcess board, PageClient boardReader, string what, List<double> old, string now, string version)
    {
        var readers = Enumerable.Range(0, Readers).Select(_ => boardReader.CopyTo(board.Address)).ToList(); // sign-ins are limited
        await MeasureAsync(readers, now, 2); // until the just-in-time compiler has finished
        var times = await MeasureAsync(readers, now, ViewsOfEach);
        foreach (var each in readers)
            each.Dispose();
        var (p50, p99, ratio) = (At(times, 50), At(times, 99), At(old, 50) / At(times, 50));
        await PerformanceTable.WriteAsync(
            $"{what} dead letters in 50 queues, 10 readers, a replay running", "the pages that read the queue, one reader, no replay", "p99 ≤ 200 ms, ≥ 25 times faster",
            string.Create(CultureInfo.InvariantCulture, $"p99 {p99:0} ms, {ratio:0.0} times"), p99 <= 200 && ratio >= 25,
            string.Create(CultureInfo.InvariantCulture, $"median {p50:0} ms vs {At(old, 50):N0} ms ({old.Min():N0}–{old.Max():N0})"), broker: version);
    }

    private static Process Replay(WorkinItSystem system)
    {
        var running = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = system.VirtualHost.ConnectionString("operator"),
            ["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = Path.Combine(system.Folder, "bench-audit.jsonl"),
        }).Start(["dead-letters", "replay", "--queue", DeadLetterFill.LargestQueue, "--all", "--all-at-once", "--yes", "--pace", "20", "--wait", "0"]);
        running.StandardInput.Close();
        return running;
    }

    private static async Task<List<double>> MeasureAsync(IReadOnlyList<PageClient> readers, string path, int views, TimeSpan? longest = null)
    {
        var times = new ConcurrentBag<double>();
        var began = Stopwatch.StartNew();
        await Task.WhenAll(readers.Select(async reader =>
        {
            for (var view = 0; view < views && (view == 0 || longest is null || began.Elapsed < longest); view++)
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
}
