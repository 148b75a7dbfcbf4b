using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Npgsql;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Two instances of the dead-letter pages as a service, on one PostgreSQL database whose tables another user owns, and one key folder.</summary>
[Trait("broker", "any")] // tests what the instances share; the other classes in this folder cover the queue operations on each version
public sealed partial class StandaloneInstancesTests : IAsyncLifetime
{
    private const string Board = "/dead-letters";
    private const string Queue = $"{Board}/queues/{Orders.Error}";
    private const int Letters = 60;

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-instances-").FullName;
    private readonly List<IAsyncDisposable> _all = [];
    private PostgresServer _postgres = null!;
    private Orders _orders = null!;

    public async ValueTask InitializeAsync()
    {
        _orders = await Orders.CreateAsync();
        _postgres = await PostgresServer.CreateAsync();
        // As deploy/kubernetes/README.md says.
        await using var source = NpgsqlDataSource.Create(_postgres.ConnectionString);
        await using var roles = source.CreateCommand("""
            CREATE ROLE owner LOGIN;
            CREATE ROLE console LOGIN;
            GRANT CREATE, USAGE ON SCHEMA public TO owner;
            GRANT USAGE ON SCHEMA public TO console;
            ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO console;
            """);
        await roles.ExecuteNonQueryAsync();
        await using var migration = NewServer("owner");
        (await migration.RunAsync("--migrate")).ShouldBe(0, migration.Log);
        await _orders.PutFaultsAsync(Letters);
    }

    [Fact]
    public async Task Operation_of_one_instance_is_seen_resumed_and_cancelled_at_the_other_which_says_that_it_was_broken_off_when_the_first_one_is_killed()
    {
        var (one, other) = (await StartAsync(), await StartAsync());
        using var here = new PageClient(one.Address);
        (await here.SignInAsync("operator")).Status.ShouldBe(HttpStatusCode.SeeOther);
        using var there = here.CopyTo(other.Address); // one session and one key ring
        (await there.GetAsync(Queue)).Status.ShouldBe(HttpStatusCode.OK);
        await here.GetAsync(Queue);

        // No consumer: it is paused after the first message.
        var replay = await ReplayAsync(here);
        await SeeAsync(there, replay, page => page.Text.Contains("Paused: 1 of 1 messages", StringComparison.Ordinal));
        await there.FollowAsync(replay + "/slower", ("pace", "5"));
        await SeeAsync(there, replay, page => Moved(page) > 3 && page.Text.Contains("In progress", StringComparison.Ordinal));
        await there.FollowAsync(replay + "/cancel");
        var (ended, seen) = (await here.SeeEndAsync(await here.GetAsync(replay)), await there.SeeEndAsync(await there.GetAsync(replay)));
        var moved = await _orders.VirtualHost.ReadyAsync(Orders.Input);
        moved.ShouldBeInRange(4, Letters - 1);
        foreach (var page in new[] { ended, seen })
            page.Text.ShouldSatisfyAllConditions(it => it.ShouldContain($"{moved} of {Letters} replayed"), it => it.ShouldContain("Cancelled"));

        var killed = await ReplayAsync(here, ("pace", "5"), ("atonce", "true"));
        var before = await SeeAsync(there, killed, page => Moved(page) > 3);
        await one.KillAsync();

        var interrupted = await SeeAsync(there, killed, page => page.Text.Contains("Interrupted, or its process", StringComparison.Ordinal), TimeSpan.FromSeconds(90));
        interrupted.Html.ShouldNotContain("data-live");
        var (left, taken) = (await _orders.VirtualHost.ReadyAsync(Orders.Error), await _orders.VirtualHost.ReadyAsync(Orders.Input) - moved);
        long.Parse(Interrupted().Match(interrupted.Text).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeInRange(Moved(before), taken);
        (left + taken).ShouldBeGreaterThanOrEqualTo(Letters - moved); // none is lost

        await there.GetAsync(Queue);
        (await there.SeeEndAsync(await there.GetAsync(await ReplayAsync(there, ("atonce", "true"))))).Text.ShouldContain($"{left} of {left} replayed");
        (await _orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(0);
        (await _orders.VirtualHost.TakeAllAsync(Orders.Input)).Select(letter => letter.BasicProperties.MessageId).Distinct().Count().ShouldBe(Letters);

        (await there.PostAsync(Board + "/sign-out")).Status.ShouldBe(HttpStatusCode.SeeOther);
        await one.StartAsync();
        (await here.GetAsync(Board)).Status.ShouldBe(HttpStatusCode.Redirect); // signed out here too
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var each in _all)
            await each.DisposeAsync();
        await _postgres.DisposeAsync();
        await _orders.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<string> ReplayAsync(PageClient client, params (string Name, string Value)[] options)
    {
        var dryRun = await client.SeeEndAsync(await client.FollowAsync(Queue + "/replay", ("which", "all")));
        return new Uri((await client.FollowAsync(dryRun.Path + "/run", options)).Path).PathAndQuery;
    }

    private static Task<Answer> SeeAsync(PageClient client, string path, Func<Answer, bool> isSeen, TimeSpan? within = null) =>
        Eventually.SeeAsync(() => client.GetAsync(path), isSeen, path, within ?? TimeSpan.FromSeconds(30));

    private static long Moved(Answer page) => MovedCount().Match(page.Text) is { Success: true } match ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    private async Task<ServiceProcess> StartAsync()
    {
        var server = NewServer("console");
        _all.Add(server);
        await server.StartAsync();
        return server;
    }

    private ServiceProcess NewServer(string user) => new("DeadLetters.Server", new Dictionary<string, string>
    {
        ["ConnectionStrings__DeadLetters"] = _orders.VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = _orders.Options.Management.ToString(),
        ["ConnectionStrings__Catalogue"] = _postgres.ConnectionString.Replace("Username=postgres", $"Username={user}", StringComparison.Ordinal),
        ["DataProtection__KeysDirectory"] = Path.Combine(_folder, "keys"),
        ["DeadLetters__OutcomeWait"] = "00:00:02", // no consumer runs, so no outcome comes
    });

    [GeneratedRegex(@"Moved (\d+)")]
    private static partial Regex MovedCount();

    [GeneratedRegex(@"messages were examined and (\d+) moved")]
    private static partial Regex Interrupted();
}
