using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The command over the API of a server with a real broker.</summary>
public sealed class RemoteCommandTests
{
    private const string NoLetter = "0123456789abcdef";

    [Fact]
    public async Task Incident_is_solved_with_the_published_command_and_a_token_from_the_cause_to_the_outcome_of_each_message()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(8, causes: 2);
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 2 ? Handling.Fails : Handling.Succeeds);
        await using var site = await StartAsync(orders);
        var (command, server) = (await CommandAsync(site), new[] { "--server", site.Address.ToString() });
        await SeeCatalogueAsync(site, 8);

        var queues = await command.RunProcessAsync(["dead-letters", "list", .. server]);
        queues.Code.ShouldBe(0, $"{queues}");
        queues.Output.ShouldContain("orders_error");
        var causes = await command.RunProcessAsync(["dead-letters", "list", "--groups", "--queue", Orders.Error, "--json", .. server]);
        var group = causes.Json.GetProperty("groups").EnumerateArray().First(one => one.GetProperty("cause").GetProperty("text").GetString()!.Contains("did not answer", StringComparison.Ordinal));
        var cause = group.GetProperty("cause").GetProperty("id").GetString()!;
        string[] selected = ["--queue", Orders.Error, "--where", $"cause={cause}", .. server];

        var dryRun = await command.RunProcessAsync(["dead-letters", "replay", "--dry-run", .. selected]);
        dryRun.Code.ShouldBe(0, $"{dryRun}");
        dryRun.Output.ShouldContain("4 in orders_error: 4 ready to replay");
        await orders.SeeAsync(Orders.Error, 8);

        var replay = await command.RunProcessAsync(["dead-letters", "replay", "--all-at-once", "--yes", "--json", .. selected]);
        replay.Code.ShouldBe(1, $"{replay}"); // one failed again
        var counts = replay.Json.GetProperty("counts");
        (counts.GetProperty("handled").GetInt64(), counts.GetProperty("failedAgain").GetInt64()).ShouldBe((3, 1), $"{replay}");
        replay.Json.GetProperty("outcomes").EnumerateArray().Count(message => message.GetProperty("outcome").GetString() == "handled").ShouldBe(3);
        var audit = await command.RunProcessAsync(["dead-letters", "audit", "--json", .. server]);
        audit.Json[0].GetProperty("id").GetString().ShouldBe(replay.Json.GetProperty("id").GetString());
        audit.Json[0].GetProperty("by").GetString().ShouldStartWith("Sam (token deploy-bot, t_");
        await orders.SeeAsync(Orders.Error, 5);
    }

    [Fact]
    public async Task JSON_and_exit_codes_are_those_of_the_command_with_a_broker()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(6, causes: 3);
        await using var site = await StartAsync(orders);
        var (remote, local, server) = (await CommandAsync(site), orders.Command, new[] { "--server", site.Address.ToString() });
        await SeeCatalogueAsync(site, 6);
        var ids = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 6, "jane", default)).Letters.Select(letter => letter.Id).ToList();
        await File.WriteAllTextAsync(orders.AuditPath + ".patch", """[{ "op": "add", "path": "/repaired", "value": true }]""");
        await File.WriteAllTextAsync(orders.AuditPath + ".edit", """{ "number": 4711 }""");

        await SameAsync("list", "--queue", Orders.Error, "--groups");
        await SameAsync("list", "--queue", Orders.Error);
        await SameAsync("show", ids[0], "--queue", Orders.Error);
        await SameAsync("show", ids[0], "--queue", Orders.Error, "--reveal");
        await SameAsync("explain", ids[0], "--queue", Orders.Error, "--json");
        await SameAsync("replay", "--queue", Orders.Error, "--all", "--dry-run", "--in-order-by", "message.number");
        await SameAsync("repair", "--queue", Orders.Error, "--where", $"id={ids[0]}", "--patch", orders.AuditPath + ".patch", "--dry-run");
        await SameAsync("discard", "--queue", Orders.Error, "--where", "exception=Timeout", "--dry-run");
        await SameAsync("replay", "--queue", Orders.Error, "--where", "id=none", "--dry-run");
        await SameAsync("list", "--queue", "no_such_error");

        // What moves messages is run over the server alone: a second run would find nothing.
        var edited = await RemoteAsync(0, "edit", ids[0], "--queue", Orders.Error, "--message", orders.AuditPath + ".edit", "--yes", "--dry-run");
        edited.Json.GetProperty("wouldBeReplayed").GetInt64().ShouldBe(1, $"{edited}");
        (await RemoteAsync(0, "discard", "--queue", Orders.Error, "--where", $"id={ids[5]}", "--yes")).Json.GetProperty("done").GetInt64().ShouldBe(1);
        (await RemoteAsync(0, "restore", "--queue", "orders_discarded", "--all", "--yes")).Json.GetProperty("done").GetInt64().ShouldBe(1);
        await orders.SeeAsync(Orders.Error, 6);
        var export = await remote.RunAsync(["dead-letters", "export", "--queue", Orders.Error, .. server]);
        export.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line).GetProperty("id").GetString()).ShouldBe(ids, ignoreOrder: true);
        var repaired = await remote.RunAsync(["dead-letters", "repair", "--queue", Orders.Error, "--where", $"id={ids[1]}", "--patch", orders.AuditPath + ".patch", "--yes", .. server]);
        repaired.Output.ShouldContain("1 of 1 replayed", customMessage: $"{repaired}");
        repaired.Output.ShouldContain("The original messages: at the server");

        async Task SameAsync(params string[] arguments)
        {
            var (one, other) = (await remote.RunAsync(["dead-letters", .. arguments, "--json", .. server]), await local.RunAsync(["dead-letters", .. arguments, "--json"]));
            one.Code.ShouldBe(other.Code, $"{string.Join(' ', arguments)}\n{one}\n{other}");
            if (other.Output.Length > 0)
                Shape(one.Json).ShouldBe(Shape(other.Json), $"{string.Join(' ', arguments)}\n{one}\n{other}");
        }

        async Task<CommandResult> RemoteAsync(int code, params string[] arguments)
        {
            var result = await remote.RunAsync(["dead-letters", .. arguments, "--json", .. server]);
            result.Code.ShouldBe(code, $"{result}");
            return result;
        }
    }

    [Fact]
    public async Task Exit_codes_of_what_can_not_be_done_are_those_of_the_command_with_a_broker()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        var text = Guid.CreateVersion7();
        await orders.PutAsync(new RabbitMQ.Client.BasicProperties { MessageId = text.ToString(), ContentType = "text/plain" }, "not JSON"u8.ToArray());
        await orders.DeclareAsync("empty_error", new Dictionary<string, object?> { ["x-queue-type"] = "classic" });
        await using var site = await StartAsync(orders);
        var (remote, local) = (await CommandAsync(site), orders.Command);
        await SeeCatalogueAsync(site, 3);
        var letters = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 3, "jane", default)).Letters;
        var (first, message) = (letters[0].Id, orders.AuditPath + ".same");
        await File.WriteAllTextAsync(message, letters[0].MessageJson!);
        await File.WriteAllTextAsync(orders.AuditPath + ".other", """{ "number": 4711 }""");
        await File.WriteAllTextAsync(orders.AuditPath + ".test", """[{ "op": "test", "path": "/number", "value": "none" }]""");
        string[][] commands =
        [
            ["list", "--queue", "no_such_error"], ["list", "--groups", "--queue", "no_such_error"], ["list", "--queue", "empty_error"], ["list", "--groups", "--queue", "empty_error"], ["list", "--where", "cause=0000", "--queue", Orders.Error],
            ["show", NoLetter], ["show", NoLetter, "--queue", Orders.Error], ["show", first, "--queue", "no_such_error"],
            .. new[] { "--yes", "--dry-run" }.SelectMany(how => new[] { "replay", "discard" }.SelectMany(verb => new string[][]
            {
                [verb, "--queue", "no_such_error", "--all", how], [verb, "--queue", "empty_error", "--all", how], [verb, "--queue", Orders.Error, "--where", "id=none", how], [verb, "--queue", Orders.Error, "--where", "since=never", how],
            }).Concat(
            [
                ["replay", "--queue", Orders.Error, "--all", "--to", "no_such_queue", how],
                ["repair", "--queue", Orders.Error, "--where", $"id={first}", "--patch", orders.AuditPath + ".test", how],
                ["restore", "--queue", Orders.Error, "--all", how], ["restore", "--queue", "orders_discarded", "--all", how], ["restore", "--all", how],
                ["discard", "--queue", Orders.Error, "--where", $"id={first}", "--was-sent", how],
                ["edit", NoLetter, "--queue", Orders.Error, "--message", orders.AuditPath + ".other", how], ["edit", first, "--queue", "no_such_error", "--message", orders.AuditPath + ".other", how],
                ["edit", text.ToString(), "--queue", Orders.Error, "--message", orders.AuditPath + ".other", how], ["edit", first, "--queue", Orders.Error, "--message", message, how],
            ])),
            ["export", "--queue", "no_such_error"], ["export", "--queue", "empty_error"], ["export", "--queue", Orders.Error, "--where", "exception=Nothing"],
            ["audit", "--queue", "no_such_error"],
        ];
        List<string> differences = [];
        foreach (var command in commands)
        {
            foreach (var json in command[0] == "export" ? new string[][] { [] } : [[], ["--json"]])
            {
                var (one, other) = (await remote.RunAsync(["dead-letters", .. command, .. json, "--server", site.Address.ToString()]), await local.RunAsync(["dead-letters", .. command, .. json]));
                if (one.Code != other.Code)
                    differences.Add($"{string.Join(' ', command)} {string.Concat(json)}\nserver: {one}\nbroker: {other}");
            }
        }
        differences.ShouldBeEmpty();
        await orders.SeeAsync(Orders.Error, 3);
    }

    [Fact]
    public async Task Paused_replay_is_resumed_on_a_terminal_and_ended_with_its_reason_without_one()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(12);
        var failures = 1;
        await using var application = await ReportingApplication.StartAsync(orders, _ => Interlocked.Decrement(ref failures) >= 0 ? Handling.Fails : Handling.Succeeds);
        await using var site = await StartAsync(orders);
        var command = await CommandAsync(site);
        string[] replay = ["dead-letters", "replay", "--queue", Orders.Error, "--all", "--yes", "--server", site.Address.ToString()];

        var ended = await command.RunAsync([.. replay, "--json"]);
        ended.Code.ShouldBe(1, $"{ended}");
        ended.Json.GetProperty("pause").GetProperty("reason").GetString().ShouldBe("newCause", $"{ended}");
        ended.Json.GetProperty("stopped").GetString()!.ShouldStartWith("Paused: A new cause");
        ended.Json.GetProperty("replayed").GetInt64().ShouldBe(1, $"{ended}");

        Volatile.Write(ref failures, 1);
        using var input = new StringReader("r\nr\nr\n");
        var resumed = await command.RunOnTerminalAsync(input, replay);
        resumed.Errors.ShouldContain("Paused: ");
        resumed.Output.ShouldContain("12 of 12 replayed", customMessage: $"{resumed}");
        await orders.SeeAsync(Orders.Error, 1);
    }

    private static Task<CatalogueSite> StartAsync(Orders orders) =>
        CatalogueSite.StartOverAsync(hasCatalogue: true, null, ("shop", orders.Options with { OutcomeWait = TimeSpan.FromSeconds(5) }));

    private static async Task<OperatorCommand> CommandAsync(CatalogueSite site) => new(new Dictionary<string, string> { ["WORKINIT_TOKEN"] = (await site.MakeTokenAsync()).Secret });

    private static async Task SeeCatalogueAsync(CatalogueSite site, int letters)
    {
        using var program = new ApiClient(site.Address, (await site.MakeTokenAsync("watch")).Secret);
        await Eventually.SeeAsync(() => program.GetAsync("causes"), answer => answer["letters"] == $"{letters}", "all dead letters are in the catalogue");
    }

    // The names and nesting of all properties. A list has the shape of its first item.
    private static string Shape(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(',', json.EnumerateObject().Select(property => $"{property.Name}:{Shape(property.Value)}"))}}}",
        JsonValueKind.Array => json.GetArrayLength() == 0 ? "[]" : $"[{Shape(json[0])}]",
        _ => "", // a server may not know a value
    };
}
