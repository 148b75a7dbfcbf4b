using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures the cost of open status pages: response times of the form with no open pages and with many, in alternating rounds, and Web's memory and
/// CPU time. All pages wait for mails that are never sent, because Consumers is not started.
/// </summary>
internal static class OpenPages
{
    private const int Rounds = 3;
    private const int Posters = 4;
    private const int PostsPerRound = 1000;

    private static readonly TimeSpan _idle = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(int pages)
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var web = system.NewWeb();
        await web.StartAsync();
        var watched = new ConcurrentBag<Guid>();
        await Parallel.ForAsync(0, pages, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) =>
            watched.Add(await WorkinItSystem.SubmitAsync(web, $"somebody{number}@example.com", "an open page")));
        await PostAsync(web); // warm-up

        var (alone, beside) = (new Measured(), new Measured());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await MeasureAsync(alone);
            await using (await Watchers.OpenAsync(web, watched))
                await MeasureAsync(beside);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""

            | open pages | POST of the form: median | p99 | Web's memory | Web's CPU time while nothing is posted |
            |---|---|---|---|---|
            {alone.Row(0)}
            {beside.Row(pages)}
            p99 with {pages:N0} open pages / with none: {beside.P99 / alone.P99:0.00}; {Rounds} × {PostsPerRound} posts each, {Posters} at once, {Environment.ProcessorCount} cores for everything together.
            """));
        return 0;

        async Task MeasureAsync(Measured measured)
        {
            measured.Answers.AddRange(await PostAsync(web));
            var (before, clock) = (ProcessFigures.Cpu(web.Id), Stopwatch.StartNew());
            await Task.Delay(_idle);
            measured.Cpu.Add((ProcessFigures.Cpu(web.Id) - before) / clock.Elapsed);
            measured.Memory.Add(ProcessFigures.Memory(web.Id));
        }
    }

    private sealed class Measured
    {
        public List<TimeSpan> Answers { get; } = [];

        /// <summary>The number of cores in use.</summary>
        public List<double> Cpu { get; } = [];

        /// <summary>In MiB.</summary>
        public List<double> Memory { get; } = [];

        /// <summary>In milliseconds.</summary>
        public double P99 => Answers.Order().ElementAt(Answers.Count * 99 / 100).TotalMilliseconds;

        public string Row(int pages) => string.Create(
            CultureInfo.InvariantCulture,
            $"| {pages:N0} | {Answers.Order().ElementAt(Answers.Count / 2).TotalMilliseconds:0.0} ms | {P99:0.0} ms | {Memory.Order().ElementAt(Rounds / 2):0} MiB | {Cpu.Order().ElementAt(Rounds / 2):P1} of a core |");
    }

    // Opens the form for each post, as a user does. Only the post is timed.
    private static async Task<IReadOnlyCollection<TimeSpan>> PostAsync(ServiceProcess web)
    {
        var answers = new ConcurrentBag<TimeSpan>();
        await Parallel.ForAsync(0, PostsPerRound, new ParallelOptions { MaxDegreeOfParallelism = Posters }, async (number, _) =>
        {
            var form = await WorkinItSystem.OpenFormAsync(web);
            var since = Stopwatch.GetTimestamp();
            using var response = await form.PostAsync(web, $"poster{number}@example.com", "beside open pages");
            answers.Add(Stopwatch.GetElapsedTime(since));
            if (response.StatusCode != HttpStatusCode.SeeOther)
                throw new InvalidOperationException($"The form returned {(int)response.StatusCode}");
        });
        return answers;
    }

    /// <summary>Open pages that read their events, as a browser does.</summary>
    private sealed class Watchers(HttpClient http, CancellationTokenSource closed) : IAsyncDisposable
    {
        private readonly List<Task> _reading = [];

        public static async Task<Watchers> OpenAsync(ServiceProcess web, IReadOnlyCollection<Guid> ids)
        {
            var watchers = new Watchers(new HttpClient { BaseAddress = web.Address, Timeout = Timeout.InfiniteTimeSpan }, new CancellationTokenSource());
            foreach (var id in ids)
            {
                var stream = await watchers.OpenAsync(id); // returns after the first event, so the page is being watched
                watchers._reading.Add(watchers.ReadAsync(stream));
            }
            return watchers;
        }

        public async ValueTask DisposeAsync()
        {
            if (_reading.FirstOrDefault(reading => reading.IsCompleted) is { } ended)
                throw new InvalidOperationException("The event stream of a page ended before the page was closed", ended.Exception);
            await closed.CancelAsync();
            http.Dispose();
            foreach (var reading in _reading)
                await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            closed.Dispose();
        }

        private async Task<StreamReader> OpenAsync(Guid id)
        {
            var reader = new StreamReader(await http.GetStreamAsync($"/submissions/{id}/events"));
            return await reader.ReadLineAsync() is not null ? reader : throw new InvalidOperationException("The event stream of a page ended without an event");
        }

        private async Task ReadAsync(StreamReader events)
        {
            using (events)
            {
                while (await events.ReadLineAsync(closed.Token) is not null)
                    continue;
            }
        }
    }
}
