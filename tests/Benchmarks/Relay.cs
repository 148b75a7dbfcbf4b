using System.Diagnostics;
using Dapper;
using Microsoft.Data.Sqlite;
using RabbitMQ.Client;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures Web's outbox: from the store to the broker's confirm and back into the store. The peer is a bare client that publishes as many messages
/// through the same exchanges. Submissions that are accepted while the broker is unavailable wait in the store in this way.
/// </summary>
internal static class Relay
{
    private const int Rounds = 3;
    private const int Measured = 20_000;
    private const int WarmUp = 4_000;
    private const int FirstWarmUp = 100_000; // the just-in-time compiler uses a core for the first 10 s

    public static async Task<int> RunAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var web = system.NewWeb();
        await web.StartAsync();
        await StoreAsync(system, FirstWarmUp);
        await AllConfirmedAsync(system);

        var (relay, bare) = (new Series(), new Series());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await Commands.EmptyAsync(system.VirtualHost);
            await StoreAsync(system, Measured + WarmUp);
            await MeasureAsync(system, relay, ("Web", web.Id), ("broker", system.Broker.ProcessId));
            await AllConfirmedAsync(system);

            await Commands.EmptyAsync(system.VirtualHost);
            var publishing = Commands.PublishAsync(system.VirtualHost, Measured + WarmUp);
            await MeasureAsync(system, bare, ("client", Environment.ProcessId), ("broker", system.Broker.ProcessId));
            await publishing;
        }
        await PerformanceTable.WriteAsync(
            "outbox: accepted → confirmed", "bare client, same exchanges, 256 outstanding", "≥ 0.9", PerformanceTable.Ratio(relay.Median / bare.Median),
            relay.Median / bare.Median >= 0.9, $"{relay.Text} vs {bare.Text}", $"{relay.Cpu}; vs {bare.Cpu}", await system.Broker.VersionAsync());
        return 0;
    }

    // Inserts directly into the file, in one commit: submissions that Web has accepted and could not publish.
    private static async Task StoreAsync(WorkinItSystem system, int count)
    {
        await using var connection = Open(system);
        await using var transaction = await connection.BeginTransactionAsync();
        var acceptedAt = DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds();
        for (var number = 0; number < count; number++)
        {
            var command = Commands.New(number);
            await connection.ExecuteAsync("""
                INSERT INTO submissions (id, email, thought, body_hash, state, attempt, accepted_at)
                VALUES (@id, @email, @thought, @hash, 0, 0, @acceptedAt)
                """, new { id = command.SubmissionId.ToString("N"), email = command.EmailAddress, thought = command.Thought, hash = new string('0', 64), acceptedAt }, transaction);
        }
        await transaction.CommitAsync();
    }

    private static Task<long> AllConfirmedAsync(WorkinItSystem system) => Eventually.SeeAsync(
        async () =>
        {
            await using var connection = Open(system);
            return await connection.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM submissions WHERE confirmed_at IS NULL");
        },
        unconfirmed => unconfirmed == 0, "all submissions confirmed in the store");

    private static SqliteConnection Open(WorkinItSystem system)
    {
        var connection = new SqliteConnection(system.SettingsOf("web")["ConnectionStrings__Submissions"]);
        connection.Open();
        return connection;
    }

    private static async Task MeasureAsync(WorkinItSystem system, Series series, params (string Name, int Id)[] processes)
    {
        var from = await WaitAsync(system, WarmUp);
        var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock(processes));
        var to = await WaitAsync(system, WarmUp + Measured);
        series.Add((to - from) / clock.Elapsed.TotalSeconds, cpu.PerItem(to - from));
    }

    private static async Task<long> WaitAsync(WorkinItSystem system, int least)
    {
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromMinutes(3))
        {
            var ready = await channel.QueueDeclarePassiveAsync(QueueTopology.InputQueue);
            if (ready.MessageCount >= least)
                return ready.MessageCount;
            await Task.Delay(10);
        }
        throw new TimeoutException($"{QueueTopology.InputQueue} did not reach {least} messages within three minutes");
    }
}
