using RabbitMQ.Client;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The text that the command writes to the terminal.</summary>
[Trait("broker", "any")] // tests the text output only
public sealed class CommandOutputTests
{
    private const string Sequences = "\u001b]0;owned\u0007\u001b[2Jgone \u009b31m red \u202e desrever \r over";

    [Fact]
    public async Task Command_output_never_contains_a_control_sequence_from_a_message()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        var properties = Orders.Faulted(id, "Shop.\u001b[31mException", Sequences);
        properties.Headers!["X-\u001b[1m"] = Sequences;
        properties.CorrelationId = Sequences;
        await orders.PutAsync(properties, Orders.Envelope(id, "{ \"note\": \"\u009b31m \u202e\", \"n\\u001b\": 1 }"));
        await orders.SeeAsync(Orders.Error, 1);
        foreach (string[] arguments in new string[][]
        {
            ["list", "--queue", Orders.Error], ["list", "--groups", "--queue", Orders.Error], ["list", "--groups", "--queue", Orders.Error, "--json"], ["show", id.ToString(), "--queue", Orders.Error],
            ["show", id.ToString(), "--queue", Orders.Error, "--reveal"], ["show", id.ToString(), "--queue", Orders.Error, "--reveal", "--json"], ["show", id.ToString(), "--queue", Orders.Error, "--json"],
            ["show", "\u001b[31m", "--queue", Orders.Error], ["explain", id.ToString(), "--queue", Orders.Error], ["export", "--queue", Orders.Error], ["replay", "--queue", Orders.Error, "--all", "--dry-run"], ["audit"], ["\u001b[31m"],
        })
        {
            var (_, output, errors) = await orders.Command.RunAsync(["dead-letters", .. arguments]);
            ShouldHaveNoControlSequence(output + errors, arguments);
        }
    }

    [Fact]
    public async Task Output_of_operations_never_contains_a_control_sequence_from_a_message_or_an_argument()
    {
        await using var orders = await Orders.CreateAsync();
        var properties = Orders.Faulted(Guid.CreateVersion7(), "Shop.\u001b[31mException", Sequences);
        properties.MessageId = Sequences;
        properties.Headers!["X-\u001b[1m"] = Sequences;
        await orders.PutAsync(properties, Orders.Envelope(Guid.CreateVersion7(), "{ \"note\": \"\u009b31m \u202e\", \"number\": 1 }"));
        await orders.SeeAsync(Orders.Error, 1);
        var file = Path.Combine(Path.GetTempPath(), $"workinit-export-{Guid.NewGuid():N}.jsonl");
        try
        {
            foreach (var (input, code, arguments) in new (string, int, string[])[]
            {
                ("", 0, ["export", "--queue", Orders.Error, "--output", file]),
                ("", 0, ["discard", "--queue", Orders.Error, "--all", "--yes"]),
                ("", 0, ["restore", "--queue", Orders.Error, "--all", "--yes"]),
                ("", 0, ["import", file, "--dry-run"]),
                ("{\"note\":\"\u009b32m \u202e\",\"number\":2}", 0, ["edit", Sequences, "--queue", Orders.Error, "--message", "-", "--yes", "--wait", "0"]),
                ("", 0, ["import", file, "--yes"]),
                ("", 1, ["replay", "--queue", Orders.Error, "--all", "--to", "nowhere\u001b[31m", "--yes"]),
                ("", 2, ["discard", "--queue", "\u001b[31m_error", "--all", "--yes"]),
                ("", 0, ["audit"]),
            })
            {
                var run = await orders.Command.RunWithAsync(input, ["dead-letters", .. arguments]);
                run.Code.ShouldBe(code, run.ToString());
                ShouldHaveNoControlSequence(run.Output + run.Errors, arguments);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Dry_run_suggests_a_discard_only_if_the_messages_are_the_problem_and_names_complete_ids()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(7);
        string[] dryRun = ["dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run"];
        (await orders.Command.RunAsync([.. dryRun, "--to", "nowhere"])).ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(1, it.ToString()), it => it.Output.ShouldContain("7 refused: queue \"nowhere\" not found"), it => it.Output.ShouldNotContain("discard"));

        await orders.Channel.QueueDeleteAsync(Orders.Input);
        var refused = await orders.Command.RunAsync(dryRun);
        refused.Code.ShouldBe(1, refused.ToString());
        var discard = refused.Output.Split('\n').Single(line => line.StartsWith("To discard the first 5 refused messages: ", StringComparison.Ordinal)).TrimEnd();
        discard[(discard.IndexOf("id=", StringComparison.Ordinal) + 3)..].Split(',').ShouldAllBe(id => id.Length == 16);
    }

    [Fact]
    public async Task Command_output_shows_all_times_in_UTC()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        var properties = Orders.Faulted(id);
        properties.Headers!["MT-Fault-Timestamp"] = "2026-01-02T03:04:05+05:00";
        properties.Headers["Replay-Id"] = "1";
        properties.Headers["Replay-At"] = "2026-01-01T23:00:00.0000000-02:00";
        await orders.PutAsync(properties, Orders.Envelope(id, "{}"));
        await orders.SeeAsync(Orders.Error, 1);
        (await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error)).Output.ShouldContain("2026-01-01 22:04:05 UTC");
        (await orders.Command.RunAsync("dead-letters", "show", id.ToString(), "--queue", Orders.Error)).Output.ShouldSatisfyAllConditions(
            it => it.ShouldContain("2026-01-01 22:04:05 UTC"), it => it.ShouldContain("2026-01-02 01:00:00 UTC"));

        (await orders.Command.RunAsync("dead-letters", "discard", "--queue", Orders.Error, "--all", "--yes")).Code.ShouldBe(0);
        (await orders.Command.RunAsync("dead-letters", "audit")).Output.ShouldContain($"{DateTimeOffset.UtcNow:yyyy-MM-dd} ", customMessage: "the day of the audit entry");
        (await orders.Command.RunAsync("dead-letters", "audit")).Output.ShouldMatch(@"\d\d:\d\d:\d\d UTC");
        var entry = (await orders.Command.RunAsync("dead-letters", "audit", "--json")).Json[0];
        entry.GetProperty("at").GetString().ShouldNotBeNull().ShouldMatch(@"(Z|\+00:00)$");
    }

    [Fact]
    public async Task Command_without_arguments_shows_help_and_an_invalid_value_is_explained()
    {
        await using var orders = await Orders.CreateAsync();
        (await orders.Command.RunProcessAsync()).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain("dead-letters"), it => it.Errors.ShouldBeEmpty());
        (await orders.Command.RunAsync("dead-letters")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain("import"), it => it.Errors.ShouldBeEmpty());
        foreach (string[] arguments in new string[][] { ["replay", "--all", "--pace", "abc"], ["list", "--limit", "abc"] })
        {
            var wrong = await orders.Command.RunAsync(["dead-letters", .. arguments]);
            wrong.Code.ShouldBe(2);
            wrong.Errors.ShouldSatisfyAllConditions(it => it.ShouldContain($"{arguments[^2]}: “abc” is not a"), it => it.ShouldContain("number"), it => it.ShouldNotContain("System."));
        }
    }

    [Fact]
    public async Task Edit_command_shows_the_changed_lines_and_ignores_formatting()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        await orders.PutAsync(Orders.Faulted(id), Orders.Envelope(id, "{ \"number\": 1, \"note\": \"für\", \"items\": [1, 2] }"));
        await orders.SeeAsync(Orders.Error, 1);
        string[] edit = ["dead-letters", "edit", id.ToString(), "--queue", Orders.Error, "--message", "-", "--yes", "--wait", "0"];

        var same = await orders.Command.RunWithAsync("{\"number\":1,\r\n\"note\":\"f\\u00fcr\",\"items\":[ 1,2 ]}", edit);
        same.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2, it.ToString()), it => it.Errors.ShouldContain("Nothing was changed"));
        await orders.SeeAsync(Orders.Error, 1);

        var changed = await orders.Command.RunWithAsync("{\"number\":2,\"note\":\"für\",\"items\":[1,2]}", edit);
        var lines = changed.Output.Split('\n').Select(line => line.TrimEnd()).ToList();
        lines.Where(line => line.StartsWith("- ", StringComparison.Ordinal)).ShouldBe(["-   \"number\": 1,"]);
        lines.Where(line => line.StartsWith("+ ", StringComparison.Ordinal)).ShouldBe(["+   \"number\": 2,"]);
    }

    private static void ShouldHaveNoControlSequence(string output, string[] arguments) => output.ReplaceLineEndings("\n")
        .Where(c => (char.IsControl(c) && c is not ('\n' or '\t')) || c is '\u202e').ShouldBeEmpty(string.Join(' ', arguments));
}
