using System.Text;
using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The command <c>workinit dead-letters repair</c>.</summary>
public sealed class RepairCommandTests
{
    private const string Patch = """[{"op":"test","path":"/email","value":"jane@wrong.example"},{"op":"replace","path":"/email","value":"jane@right.example"}]""";

    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Dry_run_counts_and_masks_the_changes_and_only_reveal_shows_them_and_is_audited()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await PutAsync(orders);

        var masked = await RepairAsync(orders, Patch, "--dry-run");
        masked.Code.ShouldBe(1, masked.ToString()); // two refused
        masked.Output.ShouldContain("6 in orders_error: 4 ready to replay (the cause is not checked), 2 refused");
        masked.Output.ShouldContain("1 refused: operation 1 (test /email): /email has another value");
        masked.Output.ShouldContain("1 refused: unreadable: its body is not valid JSON");
        masked.Output.ShouldContain("4 would change with cause ");
        masked.Output.ShouldContain("    -   \"email\": \"j");
        masked.Output.ShouldContain("    +   \"email\": \"j");
        masked.Output.ShouldContain("can't be undone once a consumer has the message");
        masked.Output.ShouldNotContain("jane@");
        masked.Output.ShouldNotContain("discard --queue");
        (await AuditedAsync(orders)).ShouldBeEmpty();

        var shown = await RepairAsync(orders, Patch, "--dry-run", "--reveal");
        shown.Output.ShouldContain("-   \"email\": \"jane@wrong.example\"");
        shown.Output.ShouldContain("+   \"email\": \"jane@right.example\"");
        (await AuditedAsync(orders)).ShouldBe([$"reveal {ids[0]}", $"reveal {ids[1]}"], ignoreOrder: true); // two examples for each cause

        var json = (await RepairAsync(orders, Patch, "--dry-run", "--json")).Json;
        var cause = json.GetProperty("repairs").EnumerateArray().ShouldHaveSingleItem();
        cause.GetProperty("count").GetInt64().ShouldBe(4);
        var diff = cause.GetProperty("examples")[0].GetProperty("diff").EnumerateArray().Select(line => line.GetString()!).ToList();
        diff.Count(line => line.StartsWith("- ", StringComparison.Ordinal)).ShouldBe(1);
        diff.Count(line => line.StartsWith("+ ", StringComparison.Ordinal)).ShouldBe(1);
        json.ToString().ShouldNotContain("jane@");
        await orders.SeeAsync(Orders.Error, 6);
    }

    [Fact]
    public async Task Repair_reads_the_patch_from_standard_input_replays_what_fits_and_names_the_file_of_the_originals()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await PutAsync(orders);

        (await RepairAsync(orders, Patch)).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("Repair and replay 4?"), it => it.Errors.ShouldContain("pass --yes"));
        await orders.SeeAsync(Orders.Error, 6);
        var done = await RepairAsync(orders, Patch, "--yes", "--wait", "0");

        done.Code.ShouldBe(1, done.ToString());
        done.Output.ShouldContain("4 moved, 2 not moved");
        var moved = await orders.VirtualHost.TakeAllAsync(Orders.Input);
        moved.Select(message => message.BasicProperties.MessageId).ShouldBe(ids.Take(4).Select(id => id.ToString()));
        moved.Select(message => Encoding.UTF8.GetString(message.Body.Span)).ShouldAllBe(body => body.Contains("jane@right.example"));
        await orders.SeeAsync(Orders.Error, 2);
        var file = done.Output.Split('\n').Single(line => line.StartsWith("The original messages: ", StringComparison.Ordinal))["The original messages: ".Length..].Trim();
        (await File.ReadAllLinesAsync(file)).Length.ShouldBe(4);

        foreach (var form in new[] { Array.Empty<string>(), ["--json"] })
        {
            var audit = await orders.Command.RunAsync(["dead-letters", "audit", .. form]);
            audit.Output.ShouldContain("repair");
            audit.Output.ShouldNotContain("jane@");
        }
        (await orders.Client.Audit.ReadAsync(Orders.Error, 100, _none)).Single(entry => entry.Verb == "repair").Patch.ShouldBe(Patch);
    }

    [Theory]
    [InlineData("[{\"op\":\"remove\",\"path\":\"/a\"},\n{\"op\":\"delete\",\"path\":\"/a\"}]", "Operation 2 of the patch (line 2): \"op\" is \"delete\". Valid: add, remove, replace, move, copy, test. Nothing was changed")]
    [InlineData("[\n{\"op\":", "The patch is not valid JSON (line 2, byte 7)")]
    [InlineData("", "a patch is an array such as [{\"op\":\"replace\"")]
    public async Task Wrong_patch_changes_nothing_and_the_exit_code_is_2(string patch, string error)
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders);
        (await RepairAsync(orders, patch, "--yes")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2, it.ToString()), it => it.Errors.ShouldContain(error));
        await orders.SeeAsync(Orders.Error, 6);
    }

    [Fact]
    public async Task Repair_without_a_patch_or_a_selection_or_with_a_missing_file_is_wrong_usage()
    {
        await using var orders = await Orders.CreateAsync();
        (await orders.Command.RunAsync("dead-letters", "repair", "--queue", Orders.Error, "--all")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("--patch"));
        (await orders.Command.RunAsync("dead-letters", "repair", "--queue", Orders.Error, "--patch", "-")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("--all"));
        (await orders.Command.RunAsync("dead-letters", "repair", "--queue", Orders.Error, "--all", "--patch", "/nowhere.json")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("File /nowhere.json not found"));
    }

    private static Task<Testbed.CommandResult> RepairAsync(Orders orders, string patch, params string[] options) =>
        orders.Command.RunWithAsync(patch, ["dead-letters", "repair", "--queue", Orders.Error, "--all", "--patch", "-", .. options]);

    private static async Task<IReadOnlyList<string>> AuditedAsync(Orders orders) =>
        [.. (await orders.Client.Audit.ReadAsync(Orders.Error, 100, _none)).Select(entry => $"{entry.Verb} {string.Join(',', entry.Messages)}")];

    // Four that the patch fits, one with another address, one that is not JSON.
    private static async Task<IReadOnlyList<Guid>> PutAsync(Orders orders)
    {
        var ids = Enumerable.Range(0, 6).Select(_ => Guid.CreateVersion7()).ToList();
        for (var number = 0; number < 6; number++)
        {
            await orders.PutAsync(Orders.Faulted(ids[number], second: number), number == 5
                ? "{"u8.ToArray()
                : Orders.Envelope(ids[number], $$"""{ "number": {{number}}, "email": "jane@{{(number == 4 ? "other" : "wrong")}}.example", "note": "hello" }"""));
        }
        await orders.SeeAsync(Orders.Error, 6);
        return ids;
    }
}
