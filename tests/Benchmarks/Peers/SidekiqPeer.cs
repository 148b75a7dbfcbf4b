using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WorkinIt.Dev;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Benchmarks.Peers;

/// <summary>The lesson's own stack: Redis, Sidekiq with 10 threads, the mail gem. It sends mails of the same size to the same sink.</summary>
internal sealed class SidekiqPeer : IAsyncDisposable
{
    private const int WarmUp = 200;

    private static readonly string _script = Path.Combine(Repository.Root, "tests", "Benchmarks", "Peers", "sidekiq.rb");

    private readonly OtherProgram _redis;
    private readonly int _redisPort;
    private readonly Dictionary<string, string> _environment;

    private SidekiqPeer(OtherProgram redis, int redisPort, int mailPort, int mailSize)
    {
        (_redis, _redisPort) = (redis, redisPort);
        _environment = new Dictionary<string, string>
        {
            ["REDIS_PORT"] = Text(redisPort),
            ["MAIL_PORT"] = Text(mailPort),
            ["MAIL_SIZE"] = Text(mailSize),
        };
    }

    public static async Task<SidekiqPeer> StartAsync(int mailPort, int mailSize)
    {
        var port = Ports.TakeFree();
        var redis = await OtherProgram.StartListeningAsync("redis-server", ["--port", Text(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], port);
        return new SidekiqPeer(redis, port, mailPort, mailSize);
    }

    public async Task MeasureAsync(int count, bool noDelay, Series series)
    {
        await using (var push = OtherProgram.Start("ruby", [_script, "push", Text(WarmUp + count)], _environment))
            await push.EndAsync();
        var environment = new Dictionary<string, string>(_environment) { ["MAIL_NODELAY"] = noDelay ? "1" : "0" };
        await using var sidekiq = OtherProgram.Start("sidekiq", ["-r", _script, "-c", "10"], environment);
        var from = await WaitAsync(count);
        var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock(("Sidekiq", sidekiq.Id)));
        await WaitAsync(0);
        series.Add(from / clock.Elapsed.TotalSeconds, cpu.PerItem(from));
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    private async Task<int> WaitAsync(int most)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _redisPort);
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true, NewLine = "\r\n" };
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromMinutes(3))
        {
            await writer.WriteLineAsync("LLEN queue:default");
            var waiting = int.Parse((await reader.ReadLineAsync())!.TrimStart(':'), CultureInfo.InvariantCulture);
            if (waiting <= most)
                return waiting;
            await Task.Delay(10);
        }
        throw new TimeoutException($"Sidekiq's queue still held more than {most} jobs after three minutes");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
