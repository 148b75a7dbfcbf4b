using System.Collections.Concurrent;
using System.Diagnostics;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures the lesson's point: the time from a POST to its response, and to its mail, with a mail server that takes no time
/// and with one that takes five seconds. The rounds alternate, so that both are exposed to the same noise of the machine.
/// </summary>
internal static class AnswerAndMail
{
    private const int Rounds = 3;
    private const int PerRound = 15; // below the limit of 16 concurrent mails, so that no mail waits for another
    private const int WarmUp = 15;

    public static async Task<int> RunAsync()
    {
        var (fast, slow) = (await MeasuredSystem.StartAsync("00:00:00"), await MeasuredSystem.StartAsync("00:00:05"));
        await using (fast)
        await using (slow)
        {
            await fast.MeasureAsync(WarmUp);
            await slow.MeasureAsync(WarmUp);
            fast.Clear();
            slow.Clear();
            for (var round = 1; round <= Rounds; round++)
            {
                Console.WriteLine($"round {round} of {Rounds} …");
                await fast.MeasureAsync(PerRound);
                await slow.MeasureAsync(PerRound);
            }
            Console.WriteLine($"\n| mail server takes | POST to answer: median (slowest) | POST to mail: median (slowest) |\n|---|---|---|\n{fast.Row("0 s")}\n{slow.Row("5 s")}");
            Console.WriteLine($"The slow mail server's answers take {slow.MedianAnswer / fast.MedianAnswer:0.0} × as long; {Rounds * PerRound} submissions each, {Environment.ProcessorCount} cores.");
        }
        return 0;
    }

    /// <summary>Web and Consumers as shipped, with a simulated delay for mails.</summary>
    private sealed class MeasuredSystem(WorkinItSystem system, ServiceProcess web) : IAsyncDisposable
    {
        private readonly ConcurrentBag<TimeSpan> _answers = [];
        private readonly ConcurrentBag<TimeSpan> _mails = [];

        public TimeSpan MedianAnswer => Median(_answers);

        public static async Task<MeasuredSystem> StartAsync(string delay)
        {
            var (system, web, _) = await WorkinItSystem.StartAsync(("Smtp__SimulatedDelay", delay));
            return new MeasuredSystem(system, web);
        }

        /// <summary>Submits one request after the other, as one user would, and waits for all mails at the end.</summary>
        public async Task MeasureAsync(int count)
        {
            var sent = new List<(string Recipient, long Since)>();
            var before = system.Mail.MailCount;
            for (var i = 0; i < count; i++)
            {
                var recipient = $"{Guid.NewGuid():N}@example.com";
                var since = Stopwatch.GetTimestamp();
                await WorkinItSystem.SubmitAsync(web, recipient, "how long does it take?");
                _answers.Add(Stopwatch.GetElapsedTime(since));
                sent.Add((recipient, since));
            }
            var (clock, now) = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow);
            await system.SeeMailsAsync(before + count);
            var arrivals = system.Mail.Mails.Skip(before).ToDictionary(mail => mail.Recipient, mail => mail.ReceivedAt);
            foreach (var (recipient, since) in sent)
                _mails.Add(Stopwatch.GetElapsedTime(since, clock) + (arrivals[recipient] - now));
        }

        public void Clear()
        {
            _answers.Clear();
            _mails.Clear();
        }

        public string Row(string name) =>
            $"| {name} | {Median(_answers).TotalMilliseconds:0.0} ms ({_answers.Max().TotalMilliseconds:0} ms) | {Median(_mails).TotalMilliseconds:0} ms ({_mails.Max().TotalMilliseconds:0} ms) |";

        public ValueTask DisposeAsync() => system.DisposeAsync();

        private static TimeSpan Median(IEnumerable<TimeSpan> times)
        {
            var sorted = times.Order().ToArray();
            return sorted[sorted.Length / 2];
        }
    }
}
