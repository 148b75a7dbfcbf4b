using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A program that uses the published command as a server of the Model Context Protocol.</summary>
public sealed class McpTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("workinit-mcp-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Program_solves_an_incident_only_after_a_person_has_confirmed_its_dry_run_in_a_terminal(bool overServer)
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(6, causes: 2);
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 2 ? Handling.Fails : Handling.Succeeds);
        await using var site = overServer ? await CatalogueSite.StartOverAsync(hasCatalogue: true, null, ("shop", orders.Options with { OutcomeWait = TimeSpan.FromSeconds(5) })) : null;
        await using var program = site is null ? await StartAsync(BrokerSettings(orders), "--allow-acts") : await StartOverAsync(site, "--allow-acts");
        (await program.ListToolsAsync()).Select(tool => tool.Name).ShouldBe(["list_queues", "list_causes", "list_letters", "show_letter", "list_audit", "dry_run", "run"], ignoreOrder: true);

        var causes = await Eventually.SeeAsync(() => CallAsync(program, "list_causes", ("queue", Orders.Error)), answer => answer.Text.Contains("did not answer", StringComparison.Ordinal) && answer.Text.Contains("\"count\": 3", StringComparison.Ordinal), "the causes of all dead letters are known");
        var cause = System.Text.Json.JsonElement.Parse(causes.Text).EnumerateArray().First(one => one.GetProperty("text").GetString()!.Contains("did not answer", StringComparison.Ordinal)).GetProperty("cause").GetString();
        var dryRun = await CallAsync(program, "dry_run", ("verb", "replay"), ("queue", Orders.Error), ("where", new[] { $"cause={cause}" }));
        dryRun.Text.ShouldContain("3 in orders_error: 3 ready to replay");
        var id = dryRun.Text.Split("Dry run ")[1].Split('.')[0];

        (await CallAsync(program, "run", ("dryRunId", id))).ShouldSatisfyAllConditions(it => it.IsError.ShouldBeTrue(), it => it.Text.ShouldContain($"workinit dead-letters confirm {id}"));
        (await CallAsync(program, "run", ("dryRunId", "0123456789ab"))).IsError.ShouldBeTrue();
        await orders.SeeAsync(Orders.Error, 6);
        (await ConfirmAsync(id, "2")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(1), it => it.Output.ShouldContain("3 in orders_error: 3 ready to replay")); // the wrong number
        (await CallAsync(program, "run", ("dryRunId", id))).IsError.ShouldBeTrue();
        (await new OperatorCommand(Data()).RunWithAsync("3\n", "dead-letters", "confirm", id)).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("on a terminal")); // what a program can do

        (await ConfirmAsync(id, "3")).Code.ShouldBe(0);
        var run = await CallAsync(program, "run", ("dryRunId", id));
        run.IsError.ShouldBeFalse(run.Text);
        run.Text.ShouldContain("1 failed again");
        run.Text.ShouldContain("2 handled");
        (await CallAsync(program, "run", ("dryRunId", id))).IsError.ShouldBeTrue(); // once
        (await CallAsync(program, "list_audit")).Text.ShouldContain(overServer ? "Sam (token deploy-bot, t_" : $"{Environment.UserName} (mcp)");
        await orders.SeeAsync(Orders.Error, 4);
    }

    [Fact]
    public async Task Program_only_looks_and_sees_masked_values_unless_the_options_allow_more()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutAsync(Orders.Faulted(Guid.CreateVersion7(), reason: "No address for jane@example.com"), Orders.Envelope(Guid.CreateVersion7(), """{ "email": "jane@example.com" }"""));
        await orders.SeeAsync(Orders.Error, 1);
        var id = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", default)).Letters[0].Id;

        await using var viewer = await StartAsync(BrokerSettings(orders));
        var tools = await viewer.ListToolsAsync();
        tools.Select(tool => tool.Name).ShouldBe(["list_queues", "list_causes", "list_letters", "show_letter", "list_audit"], ignoreOrder: true);
        tools.ShouldAllBe(tool => tool.ProtocolTool.Annotations!.ReadOnlyHint == true);
        foreach (var (name, arguments) in new (string, (string, object)[])[] { ("list_causes", [("queue", Orders.Error)]), ("list_letters", [("queue", Orders.Error)]), ("show_letter", [("id", id), ("reveal", true)]), ("list_queues", []) })
        {
            var answer = await CallAsync(viewer, name, arguments);
            answer.IsError.ShouldBeFalse(answer.Text);
            answer.Text.ShouldNotContain("jane@example.com", customMessage: name);
        }
        (await CallAsync(viewer, "list_letters", ("queue", "no_such_error"))).ShouldSatisfyAllConditions(it => it.IsError.ShouldBeTrue(), it => it.Text.ShouldContain("no_such_error"));
        (await orders.Client.Audit.ReadAsync(null, 10, default)).ShouldBeEmpty();

        await using var revealing = await StartAsync(BrokerSettings(orders), "--allow-reveal");
        (await CallAsync(revealing, "show_letter", ("id", id), ("reveal", true))).Text.ShouldContain("jane@example.com");
        (await orders.Client.Audit.ReadAsync(null, 10, default)).ShouldHaveSingleItem().Verb.ShouldBe("reveal");
    }

    [Fact]
    public async Task Person_sees_what_the_program_wrote_and_more_messages_than_confirmed_are_not_moved()
    {
        await using var orders = await Orders.CreateAsync();
        var id = (await orders.PutFaultsAsync(2))[0];
        await orders.SeeAsync(Orders.Error, 2);
        await using var masked = await StartAsync(BrokerSettings(orders), "--allow-acts");
        (string, object)[] edit = [("verb", "edit"), ("queue", Orders.Error), ("where", new[] { $"id={id}" }), ("message", """{ "item": "written by the program" }""")];
        (await CallAsync(masked, "dry_run", edit)).ShouldSatisfyAllConditions(it => it.IsError.ShouldBeTrue(), it => it.Text.ShouldContain("--allow-reveal"));
        await using var program = await StartAsync(BrokerSettings(orders), "--allow-acts", "--allow-reveal");
        (await CallAsync(program, "dry_run", edit)).Text.ShouldContain("written by the program");
        (await CallAsync(program, "dry_run", ("verb", "repair"), ("queue", Orders.Error), ("all", true), ("patch", """[{ "op": "add", "path": "/note", "value": "hello" }]"""))).Text.ShouldContain("\"hello\"");

        var dryRun = await CallAsync(program, "dry_run", ("verb", "discard"), ("queue", Orders.Error), ("all", true));
        var shown = dryRun.Text.Split("Dry run ")[1].Split('.')[0];
        (await ConfirmAsync(shown, "2")).Code.ShouldBe(0);
        await orders.PutAsync(Orders.Faulted(Guid.CreateVersion7()), Orders.Envelope(Guid.CreateVersion7(), "{}"));
        await orders.SeeAsync(Orders.Error, 3);
        (await CallAsync(program, "run", ("dryRunId", shown))).ShouldSatisfyAllConditions(it => it.IsError.ShouldBeTrue(), it => it.Text.ShouldContain("a person has confirmed 2"));
        await orders.SeeAsync(Orders.Error, 3);
    }

    [Fact]
    public async Task Program_does_not_read_a_queue_where_each_read_counts_toward_a_delivery_limit()
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-delivery-limit"] = 50 });
        var id = (await orders.PutFaultsAsync(2))[0].ToString();
        await orders.SeeAsync(Orders.Error, 2);
        await using var site = await CatalogueSite.StartOverAsync(hasCatalogue: true, null, ("shop", orders.Options));
        await using var local = await StartAsync(BrokerSettings(orders), "--allow-acts");
        await using var remote = await StartOverAsync(site, "--allow-acts");
        (string, object)[] dryRun = [("verb", "discard"), ("queue", Orders.Error), ("all", true)];
        foreach (var (program, tool, arguments) in new (McpClient, string, (string, object)[])[]
        {
            (local, "list_causes", [("queue", Orders.Error)]), (local, "list_letters", [("queue", Orders.Error)]), (local, "show_letter", [("id", id), ("queue", Orders.Error)]), (local, "dry_run", dryRun),
            (remote, "show_letter", [("id", id), ("queue", Orders.Error)]), (remote, "dry_run", dryRun),
        })
        {
            var answer = await CallAsync(program, tool, arguments);
            answer.ShouldSatisfyAllConditions(it => it.IsError.ShouldBeTrue(tool), it => it.Text.ShouldContain("delivery limit of 50"), it => it.Text.ShouldContain("A program does not read it. A person can"));
        }
        var listed = await CallAsync(remote, "list_letters", ("queue", Orders.Error)); // it reads the catalogue
        listed.IsError.ShouldBeFalse(listed.Text);
        var first = await orders.Channel.BasicGetAsync(Orders.Error, autoAck: false);
        first!.Redelivered.ShouldBeFalse("nothing has read the queue");
    }

    private static async Task<(bool IsError, string Text)> CallAsync(McpClient program, string tool, params (string Name, object Value)[] arguments)
    {
        var result = await program.CallToolAsync(tool, arguments.ToDictionary(argument => argument.Name, argument => (object?)argument.Value));
        return (result.IsError ?? false, string.Join('\n', result.Content.OfType<TextContentBlock>().Select(block => block.Text)));
    }

    private Dictionary<string, string> Data() => new() { ["XDG_DATA_HOME"] = _data };

    private Task<CommandResult> ConfirmAsync(string id, string types) => new OperatorCommand(Data()).RunOnTerminalAsync(new StringReader($"{types}\n"), "dead-letters", "confirm", id);

    private static Dictionary<string, string> BrokerSettings(Orders orders) => new()
    {
        ["ConnectionStrings__RabbitMq"] = orders.VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = orders.Options.Management.ToString(),
        ["DeadLetters__AuditFile"] = orders.AuditPath,
    };

    private async Task<McpClient> StartOverAsync(CatalogueSite site, params string[] options) => await StartAsync(
        new Dictionary<string, string> { ["WORKINIT_TOKEN"] = (await site.MakeTokenAsync()).Secret }, [.. options, "--server", site.Address.ToString()]);

    // The client reads standard output as the protocol: any other line there is an error.
    private Task<McpClient> StartAsync(Dictionary<string, string> settings, params string[] options)
    {
        settings["XDG_DATA_HOME"] = _data;
        return McpClient.CreateAsync(new StdioClientTransport(new StdioClientTransportOptions
        {
            Command = "dotnet",
            Arguments = [Path.Combine(TestBroker.Required("WORKINIT_TEST_BIN"), "Cli", "WorkinIt.Cli.dll"), "dead-letters", "mcp", .. options],
            EnvironmentVariables = settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value),
        }));
    }
}
