using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;
using WorkinIt.Deliveries;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures the p99 of a POST and of the ledger's look-up with 10,000,000 rows in the store and in the ledger, compared with 10,000.</summary>
internal static class Rows
{
    private const int Few = 10_000;
    private const int Many = 10_000_000;
    private const int LookUps = 20_000;
    private const int Seconds = 60;

    public static async Task<int> RunAsync()
    {
        var few = await MeasureAsync(Few);
        var many = await MeasureAsync(Many);
        var (post, lookUp) = (many.Post / few.Post, many.LookUp / few.LookUp);
        await PerformanceTable.WriteAsync(
            "10,000,000 rows in store and ledger: p99 of a POST, of the ledger's look-up", "10,000 rows", "both within 20 %", $"{PerformanceTable.Ratio(post)}, {PerformanceTable.Ratio(lookUp)}",
            post <= 1.2 && lookUp <= 1.2,
            string.Create(CultureInfo.InvariantCulture, $"POST {many.Post:0.0} ms vs {few.Post:0.0} ms; look-up {many.LookUp * 1000:0} µs vs {few.LookUp * 1000:0} µs"),
            broker: many.Broker);
        return 0;
    }

    private static async Task<(double Post, double LookUp, string Broker)> MeasureAsync(int rows)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows …"));
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var settings = system.SettingsOf("web");
        var ids = await FillAsync(settings["ConnectionStrings__Submissions"], settings["ConnectionStrings__Deliveries"], rows);
        var web = system.NewWeb();
        await web.StartAsync();
        await Accept.WrkAsync(web, "post", 15); // until the just-in-time compiler has finished
        var (_, _, _, p99) = await Accept.WrkAsync(web, "post", Seconds);
        await web.StopAsync();
        return (p99, await LookUpAsync(settings["ConnectionStrings__Deliveries"], ids), await system.Broker.VersionAsync());
    }

    // The rows are as after long use: ids in order of time, all confirmed and sent, old ones without address and thought.
    private static async Task<Guid[]> FillAsync(string submissions, string deliveries, int rows)
    {
        var sample = new List<Guid>();
        var span = TimeSpan.FromDays(300);
        var start = DateTimeOffset.UtcNow - span;
        var keptSince = DateTimeOffset.UtcNow - TimeSpan.FromDays(30); // Submissions__KeepFor, as shipped
        await using var store = new SqliteConnection(submissions);
        await using var ledger = new SqliteConnection(deliveries);
        await store.OpenAsync();
        await ledger.OpenAsync();
        await store.ExecuteAsync("PRAGMA synchronous = OFF");
        await ledger.ExecuteAsync("PRAGMA synchronous = OFF");
        for (var done = 0; done < rows;)
        {
            await using var storeTransaction = (SqliteTransaction)await store.BeginTransactionAsync();
            await using var ledgerTransaction = (SqliteTransaction)await ledger.BeginTransactionAsync();
            await using var insertSubmission = Command(store, storeTransaction, """
                INSERT INTO submissions (id, email, thought, body_hash, state, attempt, accepted_at, confirmed_at, sent_at, recipient)
                VALUES (@id, @email, @thought, @hash, 3, 1, @time, @time, @time, @recipient)
                """, "@id", "@email", "@thought", "@hash", "@time", "@recipient");
            await using var insertDelivery = Command(ledger, ledgerTransaction, """
                INSERT INTO deliveries (submission_id, state, attempt, in_hand, owner, taken_at, sent_at, gif, detail)
                VALUES (@id, @state, 1, 0, @owner, @time, @time, 'cat', '2.0.0 Ok')
                """, "@id", "@state", "@owner", "@time");
            insertDelivery.Parameters["@state"].Value = (int)DeliveryState.Sent;
            insertDelivery.Parameters["@owner"].Value = new string('a', 32);
            insertSubmission.Parameters["@hash"].Value = new string('0', 64);
            for (var i = 0; i < 100_000 && done < rows; i++, done++)
            {
                var time = start.AddSeconds(done * span.TotalSeconds / rows);
                var id = Guid.CreateVersion7(time);
                if (done % Math.Max(1, rows / LookUps) == 0)
                    sample.Add(id);
                insertSubmission.Parameters["@id"].Value = insertDelivery.Parameters["@id"].Value = id.ToString("N");
                insertSubmission.Parameters["@time"].Value = insertDelivery.Parameters["@time"].Value = time.ToUnixTimeMilliseconds();
                var isPurged = time < keptSince;
                insertSubmission.Parameters["@email"].Value = isPurged ? DBNull.Value : "somebody@example.com";
                insertSubmission.Parameters["@thought"].Value = isPurged ? DBNull.Value : "a thought of some days ago";
                insertSubmission.Parameters["@recipient"].Value = isPurged ? DBNull.Value : (long)(done % 100_000) * 7919;
                await insertSubmission.ExecuteNonQueryAsync();
                await insertDelivery.ExecuteNonQueryAsync();
            }
            await storeTransaction.CommitAsync();
            await ledgerTransaction.CommitAsync();
            if (done % 1_000_000 == 0)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {done:N0} of {rows:N0}"));
        }
        // Finish the disk writes of the fill, so that they do not affect the measurement.
        await store.ExecuteAsync("PRAGMA wal_checkpoint(TRUNCATE)");
        await ledger.ExecuteAsync("PRAGMA wal_checkpoint(TRUNCATE)");
        using var sync = Process.Start("sync");
        await sync.WaitForExitAsync();
        return [.. sample];
    }

    [SuppressMessage("Security", "CA2100:Review SQL queries for security vulnerabilities", Justification = "The callers pass constants")]
    private static SqliteCommand Command(SqliteConnection connection, SqliteTransaction transaction, string sql, params string[] parameters)
    {
        var command = new SqliteCommand(sql, connection, transaction);
        foreach (var parameter in parameters)
            command.Parameters.Add(new SqliteParameter(parameter, DBNull.Value));
        return command;
    }

    /// <summary>Returns the p99 in milliseconds, for rows from all over the table.</summary>
    private static async Task<double> LookUpAsync(string connectionString, Guid[] ids)
    {
        if (!Database.TryParse(connectionString, out var database, out var error))
            throw new InvalidOperationException(error);
        await using var writer = new GroupCommit(database);
        var ledger = new DeliveryLedger(database, writer, TimeProvider.System);
        var times = new List<double>(LookUps);
        for (var number = -1000; number < LookUps; number++)
        {
            var id = ids[(int)((number + LookUps) * 7919L % ids.Length)];
            var since = TimeProvider.System.GetTimestamp();
            if (ledger.Find(id) is not { State: DeliveryState.Sent })
                throw new InvalidOperationException("A row is missing");
            if (number >= 0) // the first 1,000 are for the just-in-time compiler
                times.Add(TimeProvider.System.GetElapsedTime(since).TotalMilliseconds);
        }
        return times.Order().ElementAt(LookUps * 99 / 100);
    }
}
