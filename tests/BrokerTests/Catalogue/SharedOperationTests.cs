using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Catalogue;

/// <summary>Operations of the command and of two instances of Web on one catalogue.</summary>
[Trait("broker", "any")] // tests pages and the command; the classes in DeadLetters cover the queue operations on each version
public sealed partial class SharedOperationTests : IAsyncLifetime
{
    private const string Errors = DeadLetterWeb.Errors;
    private const int Letters = 300;

    private readonly List<PageClient> _clients = [];
    private PostgresServer? _postgres;
    private WorkinItSystem? _system;

    private WorkinItSystem System => _system!;

    private OperatorCommand Command => OperatorCommand.Of(System, ("ConnectionStrings__Catalogue", System.Settings["ConnectionStrings__Catalogue"]));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Replay_of_the_command_is_shown_by_all_instances_which_can_cancel_it_and_show_its_result(bool onPostgres)
    {
        await PrepareAsync(onPostgres);
        var (one, other) = (await SignedInAsync(await StartWebAsync()), await SignedInAsync(await StartWebAsync()));
        using var replay = StartReplay();

        var address = (await SeeAsync(one, "/dead-letters/queues", page => page.Text.Contains($"replay all in {Errors}", StringComparison.Ordinal))).Link("/operations/");
        var progress = await SeeAsync(one, address, page => Moved(page) > 3);
        progress.Text.ShouldContain($"(workinit, process {replay.Id})");
        progress.Text.ShouldContain("In progress");
        (await other.GetAsync(address)).Text.ShouldContain($"Replay all in {Errors}, by jane");
        (await SeeAsync(other, "/dead-letters", page => page.Text.Contains($"replay all in {Errors} by jane, on ", StringComparison.Ordinal))).Text.ShouldContain($"of {Letters}");
        (await other.GetAsync($"/dead-letters/queues/{Errors}")).Text.ShouldContain($"replay all in {Errors} by jane, on "); // the queue is locked
        (await Command.RunAsync("dead-letters", "list")).Output.ShouldContain($"replay all in {Errors}, by jane, since ");
        (await Command.RunAsync("dead-letters", "audit")).Output.ShouldContain("running");
        (await SeeAsync(other, "/dead-letters/audit", page => page.Text.Contains("running; ", StringComparison.Ordinal))).Link("/operations/").ShouldBe(address);

        (await other.PostAsync(address + "/cancel")).Location.ShouldBe(address);

        await replay.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        replay.ExitCode.ShouldBe(1);
        (await replay.StandardError.ReadToEndAsync()).ShouldContain("Cancelled on a page.");
        var moved = await System.VirtualHost.ReadyAsync("send-gif-email");
        moved.ShouldBeInRange(4, Letters - 1);
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(Letters - moved);
        foreach (var client in new[] { one, other })
        {
            (await client.GetAsync(address)).ShouldSatisfyAllConditions(
                it => it.Text.ShouldContain($"{moved} of {Letters} replayed"), it => it.Text.ShouldContain("Cancelled: messages that were not moved are still in the queue"), it => it.Html.ShouldNotContain("data-live"));
            (await client.GetAsync("/dead-letters/audit")).Text.ShouldContain($"replay {moved} by jane");
        }
        var entry = (await Command.RunAsync("dead-letters", "audit", "--json")).Json.EnumerateArray().ShouldHaveSingleItem();
        (entry.GetProperty("verb").GetString(), entry.GetProperty("done").GetInt64(), entry.GetProperty("by").GetString()).ShouldBe(("replay", moved, "jane"));
        (await Command.RunAsync("dead-letters", "list")).Output.ShouldNotContain("replay all in");
    }

    [Fact]
    public async Task Replay_of_a_command_that_was_killed_is_shown_as_interrupted_also_by_an_instance_that_starts_later_until_it_is_repeated()
    {
        await PrepareAsync(onPostgres: false);
        var one = await SignedInAsync(await StartWebAsync());
        using var replay = StartReplay();
        var address = (await SeeAsync(one, "/dead-letters/queues", page => page.Text.Contains($"replay all in {Errors}", StringComparison.Ordinal))).Link("/operations/");
        var reported = Moved(await SeeAsync(one, address, page => Moved(page) > 3));
        (await one.GetAsync("/dead-letters/audit")).Link("/operations/").ShouldBe(address);

        replay.Kill();
        await replay.WaitForExitAsync();

        var other = await SignedInAsync(await StartWebAsync());
        var page = await SeeAsync(other, address, page => page.Text.Contains("Interrupted, or its process", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        page.Html.ShouldNotContain("data-live");
        long.Parse(Interrupted().Match(page.Text).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeInRange(reported, await System.VirtualHost.ReadyAsync("send-gif-email"));
        (await other.GetAsync("/dead-letters")).Text.ShouldContain($"Interrupted: replay all in {Errors} by jane");
        (await other.GetAsync("/dead-letters/audit")).Text.ShouldContain("interrupted: last report");
        (await Command.RunAsync("dead-letters", "list")).Output.ShouldContain("interrupted: last report");
        (await Command.RunAsync("dead-letters", "audit")).Output.ShouldContain("interrupted: last report");

        (await Command.RunAsync("dead-letters", "replay", "--queue", Errors, "--all", "--yes", "--wait", "0")).Code.ShouldBe(0);
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(0);
        (await System.VirtualHost.ReadyAsync("send-gif-email")).ShouldBeGreaterThanOrEqualTo(Letters);
        (await other.GetAsync("/dead-letters")).Text.ShouldNotContain("Interrupted:");
        (await other.GetAsync(address)).Text.ShouldContain("Interrupted, or its process"); // for good
    }

    [Fact]
    public async Task Replay_of_an_instance_that_was_killed_is_shown_as_interrupted_after_its_restart()
    {
        await PrepareAsync(onPostgres: false);
        var web = await StartWebAsync();
        var one = await SignedInAsync(web);
        await one.GetAsync($"/dead-letters/queues/{Errors}");
        var dryRun = await one.SeeEndAsync(await one.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        var run = await one.FollowAsync(dryRun.Path + "/run", ("pace", "5"), ("atonce", "true")); // no consumer
        await Eventually.SeeAsync(() => System.VirtualHost.ReadyAsync("send-gif-email"), ready => ready > 10, "some are replayed");
        await SeeAsync(one, "/dead-letters/audit", page => page.Text.Contains("running; ", StringComparison.Ordinal));

        await web.KillAsync();

        var again = await SignedInAsync(await StartWebAsync());
        (await SeeAsync(again, new Uri(run.Path).PathAndQuery, page => page.Text.Contains("Interrupted, or its process", StringComparison.Ordinal), TimeSpan.FromSeconds(60))).Text.ShouldContain($"Replay all in {Errors}");
        (await again.GetAsync("/dead-letters/audit")).Text.ShouldContain("interrupted: last report");
        (await again.GetAsync(new Uri(dryRun.Path).PathAndQuery)).Text.ShouldContain($"{Letters} of {Letters} would be moved"); // one that has ended shows its result
    }

    [Fact]
    public async Task Operations_are_refused_while_the_database_of_the_audit_is_away_and_nothing_moves()
    {
        await PrepareAsync(onPostgres: true);
        var one = await SignedInAsync(await StartWebAsync());
        await one.GetAsync($"/dead-letters/queues/{Errors}");
        var dryRun = await one.SeeEndAsync(await one.FollowAsync($"/dead-letters/queues/{Errors}/discard", ("which", "all")));
        await _postgres!.StopAsync();

        var run = await one.SeeEndAsync(await one.FollowAsync(dryRun.Path + "/run"));
        run.Text.ShouldContain("The audit can’t be written: The database of the catalogue of dead letters can't be used");
        run.Text.ShouldContain("that PostgreSQL is reachable");
        run.Text.ShouldContain("Nothing was done");
        (await one.GetAsync("/dead-letters/audit")).ShouldSatisfyAllConditions(it => it.Status.ShouldBe(HttpStatusCode.ServiceUnavailable), it => it.Text.ShouldContain("The audit log can’t be used"));
        foreach (var verb in new[] { "replay", "discard" })
        {
            var refused = await Command.RunAsync("dead-letters", verb, "--queue", Errors, "--all", "--yes");
            refused.Code.ShouldBe(1, refused.ToString());
            refused.Errors.ShouldContain("The audit can’t be");
            refused.Errors.ShouldContain("ConnectionStrings__Catalogue");
        }
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(Letters);

        await _postgres.StartAsync();
        (await Command.RunAsync("dead-letters", "replay", "--queue", Errors, "--all", "--yes", "--wait", "0")).Code.ShouldBe(0);
        await SeeAsync(one, "/dead-letters/audit", page => page.Text.Contains($"replay {Letters} by jane", StringComparison.Ordinal));
        (await Command.RunAsync("dead-letters", "audit", "--json")).Json.EnumerateArray().Select(entry => entry.GetProperty("verb").GetString()).ShouldBe(["replay"]);
    }

    [Fact]
    public async Task Entries_of_the_audit_file_from_before_the_catalogue_are_shown_and_new_ones_are_in_the_database()
    {
        await PrepareAsync(onPostgres: false);
        var file = Path.Combine(System.Folder, "dead-letters-audit.jsonl"); // Web's default
        await File.WriteAllTextAsync(file, """
            {"id":"0199c4f0000070008000000000000009","at":"2026-01-02T03:04:05+00:00","by":"ann","verb":"restore","queue":"send-gif-email_discarded","filter":"","endedAt":"2026-01-02T03:04:06+00:00","selected":3,"done":3,"refused":0,"problem":"","messages":["m1"],"results":"","doubts":[]}

            """);
        var before = await File.ReadAllTextAsync(file);
        var one = await SignedInAsync(await StartWebAsync());

        await SeeAsync(one, "/dead-letters/audit", page => page.Text.Contains("restore 3 by ann", StringComparison.Ordinal));
        (await Command.RunAsync("dead-letters", "discard", "--queue", Errors, "--all", "--yes")).Code.ShouldBe(0);
        (await one.GetAsync("/dead-letters/audit")).Text.ShouldContain($"discard {Letters} by jane");
        (await Command.RunAsync("dead-letters", "audit", "--json")).Json.EnumerateArray().Select(entry => entry.GetProperty("verb").GetString()).ShouldBe(["discard", "restore"]);
        (await File.ReadAllTextAsync(file)).ShouldBe(before);
        File.Exists(Path.Combine(System.Folder, "audit.jsonl")).ShouldBeFalse(); // the command's
    }

    [Fact]
    public async Task Original_messages_of_a_repair_are_printed_by_the_command_and_the_audit_records_it()
    {
        await PrepareAsync(onPostgres: false);
        var patch = Path.Combine(System.Folder, "patch.json");
        await File.WriteAllTextAsync(patch, """[{ "op": "replace", "path": "/thought", "value": "better" }]""");
        var repair = await Command.RunAsync("dead-letters", "repair", "--queue", Errors, "--all", "--yes", "--wait", "0", "--patch", patch);
        repair.Code.ShouldBe(0, repair.ToString());
        var id = OriginalsHint().Match(repair.Output).Groups[1].Value;

        var printed = await Command.RunAsync("dead-letters", "audit", "--originals", id);

        printed.Code.ShouldBe(0, printed.ToString());
        var lines = printed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(Letters);
        lines.ShouldAllBe(line => line.Contains("Monday, and", StringComparison.Ordinal));
        (await Command.RunAsync("dead-letters", "audit", "--json")).Json.EnumerateArray().Select(entry => (entry.GetProperty("verb").GetString(), entry.GetProperty("filter").GetString()))
            .ShouldBe([("reveal", $"originals of {id}"), ("repair", "all")]);
        (await Command.RunAsync("dead-letters", "audit", "--originals", "0199c4f0000070008000000000000009")).Code.ShouldBe(1);
        (await Command.RunAsync("dead-letters", "audit", "--originals", "../audit")).Code.ShouldBe(2);
    }

    private async Task PrepareAsync(bool onPostgres)
    {
        _system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(_system);
        _postgres = onPostgres ? await PostgresServer.CreateAsync() : null;
        _system.Settings["ConnectionStrings__Catalogue"] = _postgres?.ConnectionString ?? $"Data Source={Path.Combine(_system.Folder, "dead-letters.db")}";
        _system.Settings["DeadLetters__OutcomeWait"] = "00:00:02"; // no consumer runs, so no outcome comes
        await _system.PrepareAsync();
        await DeadLetterPages.PutAsync(_system.VirtualHost, Errors, DeadLetterWeb.Jane, "System.TimeoutException", "It took 30 s", count: Letters);
        await _system.SeeReadyAsync(Errors, Letters);
    }

    private async Task<ServiceProcess> StartWebAsync()
    {
        var web = System.NewWeb();
        await web.StartAsync();
        return web;
    }

    private async Task<PageClient> SignedInAsync(ServiceProcess web)
    {
        var client = new PageClient(web.Address);
        _clients.Add(client);
        await client.SignInAsync("operator");
        return client;
    }

    private Process StartReplay() => Command.Start("dead-letters", "replay", "--queue", Errors, "--all", "--yes", "--pace", "5", "--wait", "0");

    private static Task<Answer> SeeAsync(PageClient client, string path, Func<Answer, bool> isSeen, TimeSpan? within = null) =>
        Eventually.SeeAsync(() => client.GetAsync(path), isSeen, path, within ?? TimeSpan.FromSeconds(30));

    private static long Moved(Answer page) => MovedCount().Match(page.Text) is { Success: true } match ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex("audit --originals ([0-9a-f]{32})")]
    private static partial Regex OriginalsHint();

    [GeneratedRegex(@"Moved (\d+)")]
    private static partial Regex MovedCount();

    [GeneratedRegex(@"messages were examined and (\d+) moved")]
    private static partial Regex Interrupted();
}
