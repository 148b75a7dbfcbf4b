using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Copies of dead letters into a sandbox: <c>workinit dead-letters replay --copy</c>.</summary>
public sealed class CopyTests
{
    private const string Sandbox = "sandbox-orders";

    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Copy_goes_to_a_queue_of_the_same_virtual_host_and_the_dead_letters_stay_byte_for_byte(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        await orders.DeclareAsync(Sandbox, []);
        await orders.DeclareAsync("spy", []);
        await orders.Channel.QueueBindAsync("spy", Sandbox, ""); // a subscriber of the queue's exchange gets no copy
        var ids = await orders.PutFaultsAsync(5, causes: 2);
        var before = await LettersAsync(orders);

        var dry = await CopyAsync(orders, "--to", Sandbox, "--dry-run");
        dry.ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain("5 in orders_error: 5 would be copied to sandbox-orders, 0 refused"),
            it => it.Output.ShouldContain("5 with a warning: no consumer is connected to sandbox-orders: the copy waits there"));
        (await CopyAsync(orders, "--to", Sandbox)).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("a consumer of sandbox-orders does its work"), it => it.Errors.ShouldContain("pass --yes"));
        await orders.SeeAsync(Sandbox, 0);

        var done = await CopyAsync(orders, "--to-queue", Sandbox, "--yes", "--json");

        done.Code.ShouldBe(0, done.ToString());
        done.Json.GetProperty("copied").GetInt64().ShouldBe(5);
        await orders.SeeAsync(Sandbox, 5);
        Orders.ShouldBeSame(await LettersAsync(orders), before);
        Orders.ShouldBeSame((await orders.TakeAllAsync(Orders.Error)).Select(Stable), before.Select(Stable));
        (await orders.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(0);
        (await orders.VirtualHost.ReadyAsync("spy")).ShouldBe(0);
        var copies = await orders.VirtualHost.TakeAllAsync(Sandbox);
        copies.Select(copy => copy.BasicProperties.MessageId).ShouldBe(ids.Select(id => id.ToString()));
        copies.Select(copy => Convert.ToBase64String(copy.Body.Span)).ShouldBe(before.Select(letter => letter.Split(' ')[0]));
        var operation = done.Json.GetProperty("id").GetString()!;
        copies.Select(copy => Orders.Header(copy, "Replay-Id")).ShouldBe(Enumerable.Range(1, 5).Select(number => $"{operation}.{number}"));
        foreach (var copy in copies)
            (Orders.Header(copy, "Replay-Copy"), Orders.Header(copy, "Replay-Count"), Orders.Header(copy, "Tenant"), Orders.Header(copy, "MT-Fault-Message")).ShouldBe(("True", "1", "blue", null));

        var entry = (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).ShouldHaveSingleItem(); // neither the dry run nor the refused one
        (entry.Verb, entry.Id, entry.Done, entry.Selected, entry.Results, entry.Messages.Count).ShouldBe(("copy", operation, 5, 5, $"5 copied to {Sandbox} in virtual host {orders.VirtualHost.Name}", 5));
    }

    [Fact]
    public async Task Copy_of_selected_letters_goes_to_another_virtual_host_and_to_the_broker_that_a_setting_names()
    {
        await using var orders = await Orders.CreateAsync();
        using var broker = TestBroker.FromEnvironment();
        await using var sandbox = await broker.CreateVirtualHostAsync();
        await using var channel = await sandbox.OpenChannelAsync();
        await channel.QueueDeclareAsync(Orders.Input, durable: true, exclusive: false, autoDelete: false);
        var ids = await orders.PutFaultsAsync(3);
        var before = await LettersAsync(orders);

        var there = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--where", $"id={ids[1]}", "--copy", "--to", Orders.Input, "--to-vhost", sandbox.Name, "--yes");
        there.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain($"1 of 1 copied from orders_error to orders in virtual host {sandbox.Name}. The dead letters stay in orders_error."));
        var byName = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = orders.VirtualHost.ConnectionString("operator"),
            ["ConnectionStrings__Sandbox"] = sandbox.ConnectionString("operator"),
            ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = orders.AuditPath,
        });
        var named = await byName.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--where", $"id={ids[2]}", "--copy", "--to", Orders.Input, "--to-broker", "Sandbox", "--yes");
        named.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain("limits and times to live are not checked: the queue is on another broker"));

        (await sandbox.TakeAllAsync(Orders.Input)).Select(copy => copy.BasicProperties.MessageId).ShouldBe([$"{ids[1]}", $"{ids[2]}"]);
        (await orders.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(0);
        Orders.ShouldBeSame(await LettersAsync(orders), before);
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).Select(entry => entry.Results).ShouldAllBe(text => text.StartsWith($"1 copied to orders in virtual host {sandbox.Name}", StringComparison.Ordinal));
        (await orders.Command.RunAsync("dead-letters", "audit")).Output.ShouldContain("copy");
    }

    [Fact]
    public async Task Copy_to_a_queue_that_does_not_exist_or_with_options_that_do_not_fit_is_refused_and_changes_nothing()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        using var broker = TestBroker.FromEnvironment();
        await using var sandbox = await broker.CreateVirtualHostAsync();
        var before = await LettersAsync(orders);

        foreach (var (arguments, error) in new (string[] Arguments, string Error)[]
        {
            (["--to", "nowhere"], $"Queue \"nowhere\" not found in virtual host {orders.VirtualHost.Name}"),
            (["--to", Orders.Input, "--to-vhost", sandbox.Name], $"Queue \"orders\" not found in virtual host {sandbox.Name}. Create it first"),
            ([], "--copy needs the queue for the copies: --to QUEUE"),
            (["--to", Orders.Input, "--canary"], "--canary and --copy can't be combined"),
            (["--to", Orders.Input, "--wait", "1m"], "--wait and --copy can't be combined"),
            (["--to", Orders.Input, "--to-broker", "Sandbox"], "ConnectionStrings__Sandbox is not set"),
        })
        {
            foreach (var last in new[] { "--yes", "--dry-run" })
                (await CopyAsync(orders, [.. arguments, last])).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2, it.ToString()), it => it.Errors.ShouldContain(error));
        }
        (await CopyAsync(orders, "--to", Orders.Error, "--yes")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(1, it.ToString()), it => it.Errors.ShouldContain("orders_error is the queue of the letters"));
        (await CopyAsync(orders, "--to", Orders.Input, "--to-vhost", "nowhere", "--yes")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(1, it.ToString()), it => it.Errors.ShouldContain("vhost nowhere not found"));
        (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--to", Orders.Input, "--to-vhost", sandbox.Name, "--yes"))
            .ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("--to-vhost and --to-broker need --copy"));

        Orders.ShouldBeSame(await LettersAsync(orders), before);
        (await orders.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(0);
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Cancelled_copy_reports_what_it_copied_and_every_dead_letter_is_in_its_place(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        await orders.DeclareAsync(Sandbox, []);
        await orders.PutFaultsAsync(3000, causes: 4);
        var before = await LettersAsync(orders);
        using var cancel = new CancellationTokenSource();
        var progress = new Immediate(now =>
        {
            if (now.Examined > 0)
                cancel.Cancel();
        });

        var result = await orders.Client.CopyAsync(new CopyRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", To = Sandbox }, progress, cancel.Token);

        result.Stopped.ShouldBe("Cancelled: the letters are all in the queue, those that were copied too");
        result.Done.ShouldBeInRange(1, 2999);
        result.IsComplete.ShouldBeFalse();
        await orders.SeeAsync(Sandbox, result.Done);
        Orders.ShouldBeSame(await LettersAsync(orders), before);
        var entry = (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).ShouldHaveSingleItem();
        (entry.Done, entry.Problem, entry.EndedAt is null).ShouldBe((result.Done, result.Stopped, false));
    }

    [Fact]
    public async Task Copy_that_would_push_another_message_out_of_the_sandbox_is_refused()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync(Sandbox, new Dictionary<string, object?> { ["x-max-length"] = 2 });
        await orders.PutFaultsAsync(3);

        var result = await CopyAsync(orders, "--to", Sandbox, "--yes");

        result.ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(1, it.ToString()), it => it.Output.ShouldContain("2 of 3 copied"), it => it.Output.ShouldContain("1 not copied: sandbox-orders holds 2 messages at most"));
        await orders.SeeAsync(Sandbox, 2);
        await orders.SeeAsync(Orders.Error, 3);
    }

    private static Task<CommandResult> CopyAsync(Orders orders, params string[] options) =>
        orders.Command.RunAsync(["dead-letters", "replay", "--queue", Orders.Error, "--all", "--copy", .. options]);

    // In their order, without removing them.
    private static async Task<IReadOnlyList<string>> LettersAsync(Orders orders) =>
        [.. (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10_000, "jane", _none)).Letters.Select(letter =>
            $"{Convert.ToBase64String(letter.Body.Span)} {letter.Id} {letter.MessageId} {letter.ContentType} {string.Join(", ", letter.HeaderTexts.Where(header => header.Key is not ("x-delivery-count" or "x-acquired-count")))}")];

    private static string Stable(string letter) => letter.Split(' ')[0];

    private sealed class Immediate(Action<OperationProgress> report) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => report(value);
    }
}
