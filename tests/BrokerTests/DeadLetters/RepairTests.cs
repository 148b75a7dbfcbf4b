using System.Globalization;
using System.Text;
using System.Text.Json;
using MassTransit;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>One JSON Patch over many dead letters: those that it fits are changed and replayed under their ids, the others stay byte for byte.</summary>
public sealed class RepairTests
{
    private const string ToEur = """[{"op":"test","path":"/currency","value":"EURO"},{"op":"replace","path":"/currency","value":"EUR"}]""";

    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Repair_of_one_of_four_causes_changes_what_fits_and_leaves_all_others_byte_for_byte(string errorType)
    {
        await using var orders = await Orders.CreateAsync(errorType);
        var ids = await PutAsync(orders, 200);
        var before = await TextsAsync(orders);
        var cause = (await orders.Client.GroupAsync(Orders.Error, DeadLetterFilter.All, "jane", null, _none)).Groups.Single(group => group.Cause.Text.StartsWith("Unknown currency", StringComparison.Ordinal));
        cause.Count.ShouldBe(50);

        var result = await orders.Client.ReplayAsync(Request(new DeadLetterFilter { Cause = cause.Cause.Id }), null, _none);

        // Of this cause, every fifth message has another currency.
        (result.Selected, result.Done, result.Refused.Count).ShouldBe((50, 40, 10));
        result.Refused.ShouldAllBe(refusal => refusal.Why == "operation 1 (test /currency): /currency has another value");
        await orders.SeeAsync(Orders.Input, 40);
        var moved = await orders.VirtualHost.TakeAllAsync(Orders.Input);
        var repaired = Enumerable.Range(0, 200).Where(number => number % 4 == 1 && number % 5 != 0).ToList();
        Orders.ShouldBeSame(moved.Select(message => message.BasicProperties.MessageId), repaired.Select(number => ids[number].ToString()));
        Orders.ShouldBeSame(moved.Select(message => Encoding.UTF8.GetString(message.Body.Span)), repaired.Select(number => Encoding.UTF8.GetString(Orders.Envelope(ids[number], Message(number, "EUR")))));
        moved.ShouldAllBe(message => Orders.Header(message, "Replay-By") == "jane" && Orders.Header(message, "Tenant") == "blue" && Orders.Header(message, "MT-Fault-Message") == null);
        Orders.ShouldBeSame(await TextsAsync(orders), before.Where((_, number) => !repaired.Contains(number)));

        var entry = (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none)).Single(entry => entry.Id == result.Id);
        (entry.Verb, entry.By, entry.Done, entry.Refused, entry.Patch).ShouldBe(("repair", "jane", 40, 10, ToEur));
        Orders.ShouldBeSame(Originals(orders, result.Id), repaired.Select(number => $"{ids[number]} {Message(number, "EURO")}"));
    }

    [Fact]
    public async Task Consumer_of_MassTransit_handles_the_repaired_message_under_the_same_message_id()
    {
        await using var orders = await Orders.CreateAsync();
        var handled = new System.Collections.Concurrent.ConcurrentQueue<(Guid? MessageId, string Currency)>();
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(orders.VirtualHost.ConnectionString("operator")));
            rabbit.ReceiveEndpoint("prices", endpoint => endpoint.Handler<PriceOrder>(context =>
            {
                if (context.Message.Currency is not ("EUR" or "USD"))
                    throw new NotSupportedException($"Unknown currency {context.Message.Currency}");
                handled.Enqueue((context.MessageId, context.Message.Currency));
                return Task.CompletedTask;
            }));
        });
        await bus.StartAsync(_none);
        try
        {
            var ids = Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7()).ToList();
            foreach (var (id, number) in ids.Select((id, number) => (id, number)))
                await bus.Publish(new PriceOrder(number, number == 4 ? "GOLD" : "EURO", 1.50m), context => context.MessageId = id, _none);
            await orders.SeeAsync("prices_error", 5);

            var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Queue = "prices_error" }, null, _none);

            (result.Done, result.Refused.Count).ShouldBe((4, 1));
            await Eventually.SeeAsync(() => Task.FromResult(handled.Count), count => count == 4, "4 messages handled");
            handled.Select(one => one.MessageId).ShouldBe(ids.Take(4).Select(id => (Guid?)id), ignoreOrder: true);
            handled.ShouldAllBe(one => one.Currency == "EUR");
            (await orders.VirtualHost.ReadyAsync("prices_error")).ShouldBe(1);
        }
        finally
        {
            await bus.StopAsync(_none);
        }
    }

    [Fact]
    public async Task Failed_canary_of_a_repair_keeps_one_original_and_leaves_the_other_messages()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, 20);
        await using var consumer = await OrderConsumer.StartAsync(orders, (_, _) => Handling.Fails);

        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Canary = true, Wait = TimeSpan.FromSeconds(20) }, null, _none);

        result.Stopped.ShouldNotBeNull().ShouldStartWith("Canary: failed again");
        result.Done.ShouldBe(1);
        Originals(orders, result.Id).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_is_repaired_when_the_originals_cannot_be_kept()
    {
        await using var orders = await Orders.CreateAsync();
        await PutAsync(orders, 20);
        var before = await TextsAsync(orders);
        using var client = new DeadLetterClient(orders.Options, new ForgetfulAudit());

        var problem = await Should.ThrowAsync<DeadLetterException>(() => client.ReplayAsync(Request(DeadLetterFilter.All), null, _none));

        problem.Problem.ShouldBe(DeadLetterProblem.Audit);
        problem.Message.ShouldContain("ForgetfulAudit does not implement IAuditLog.KeepOriginalsAsync");
        Orders.ShouldBeSame(await TextsAsync(orders), before);
        (await orders.VirtualHost.ReadyAsync(Orders.Input)).ShouldBe(0);
    }

    [Fact]
    public async Task Advisor_judges_the_repaired_message_and_its_refusal_leaves_the_original()
    {
        var application = new ApplicationThatRefuses("\"currency\": \"EUR\", \"z\": 9");
        await using var orders = await Orders.CreateAsync(advisor: application);
        await PutAsync(orders, 20);

        var plan = await orders.Client.PlanAsync(Request(DeadLetterFilter.All), null, _none);
        var result = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All), null, _none);

        foreach (var seen in new[] { plan, result })
            seen.Refused.Count(refusal => refusal.Why == "the application refuses it").ShouldBe(1);
        (plan.Done, result.Done).ShouldBe((15, 15)); // 20 less 4 with another currency, less the refused one
        plan.Repairs.Sum(cause => cause.Count).ShouldBe(15);
        (await TextsAsync(orders)).Count(text => text.Contains("EURO", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Edit_and_patch_are_not_combined()
    {
        await using var orders = await Orders.CreateAsync();
        (await Should.ThrowAsync<DeadLetterException>(() => orders.Client.PlanAsync(Request(DeadLetterFilter.All) with { Edited = "{}" }, null, _none))).Message.ShouldContain("can't be combined");
        (await Should.ThrowAsync<DeadLetterException>(() => orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Edited = "{}" }, null, _none))).Message.ShouldContain("can't be combined");
    }

    [Fact]
    public async Task Repair_killed_in_the_middle_and_run_again_loses_no_message_and_has_kept_each_original()
    {
        await using var orders = await Orders.CreateAsync("quorum");
        var ids = await PutAsync(orders, 300);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, ToEur);
        string[] repair = ["dead-letters", "repair", "--queue", Orders.Error, "--all", "--patch", file, "--yes", "--wait", "0"];
        using (var process = orders.Command.Start([.. repair, "--pace", "100"]))
        {
            await Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(Orders.Input), ready => ready > 20, "20 messages repaired");
            process.Kill();
            await process.WaitForExitAsync();
        }
        CommandResult again;
        do
            again = await orders.Command.RunProcessAsync(repair); // repeated while the broker still holds the lock of the killed process
        while (again.Errors.Contains("Another operation", StringComparison.Ordinal));

        again.Code.ShouldBe(1, again.ToString()); // 60 have another currency
        await orders.SeeAsync(Orders.Error, 60);
        var moved = await orders.VirtualHost.TakeAllAsync(Orders.Input);
        var numbers = Enumerable.Range(0, 300).Where(number => number % 5 != 0).ToList();
        moved.Select(message => message.BasicProperties.MessageId).Distinct().ShouldBe(numbers.Select(number => ids[number].ToString()), ignoreOrder: true);
        moved.Select(message => Encoding.UTF8.GetString(message.Body.Span)).ShouldAllBe(body => body.Contains("\"EUR\""));
        (moved.Count - 240).ShouldBeInRange(0, 256);
        var kept = (await orders.Client.Audit.ReadAsync(Orders.Error, 100, _none)).Where(entry => entry.Verb == "repair").SelectMany(entry => Originals(orders, entry.Id)).Distinct();
        kept.ShouldBe(numbers.Select(number => $"{ids[number]} {Message(number, "EURO")}"), ignoreOrder: true);
        File.Delete(file);
    }

    private static ReplayRequest Request(DeadLetterFilter filter) => new() { Queue = Orders.Error, Filter = filter, By = "jane", Wait = TimeSpan.Zero, Patch = MessagePatch.Parse(ToEur) };

    /// <summary>A message with the spaces, numbers and escapes that a rewrite of its JSON would change.</summary>
    private static string Message(int number, string currency) =>
        $$"""{ "number":{{number}}, "price" : 1.50,  "id": 12345678901234567890, "note": "f\u00fcr 😀", "currency": "{{currency}}", "z": {{number}} }""";

    // Four causes. Every fifth message has another currency.
    private static async Task<IReadOnlyList<Guid>> PutAsync(Orders orders, int count)
    {
        var ids = new List<Guid>(count);
        for (var number = 0; number < count; number++)
        {
            ids.Add(Guid.CreateVersion7());
            var properties = Orders.Faulted(ids[^1], reason: number % 4 == 1 ? $"Unknown currency {number}" : "Other", second: number);
            properties.Headers!["MT-Fault-StackTrace"] = $"   at Orders.PlaceOrderConsumer.Consume() in /src/PlaceOrderConsumer.cs:line {10 + (number % 4)}";
            await orders.PutAsync(properties, Orders.Envelope(ids[^1], Message(number, number % 5 == 0 ? "GOLD" : "EURO")));
        }
        await orders.SeeAsync(Orders.Error, count);
        return ids;
    }

    // Every byte and header of the dead letters, in their order.
    private static async Task<IReadOnlyList<string>> TextsAsync(Orders orders) =>
        [.. (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10_000, "jane", _none)).Letters
            .Select(letter => $"{letter.Id} {letter.MessageId} {Encoding.UTF8.GetString(letter.Body.Span)} {string.Join(", ", letter.HeaderTexts.Where(header => header.Key is not ("x-delivery-count" or "x-acquired-count")))}")];

    private static IReadOnlyList<string> Originals(Orders orders, string operation) =>
        [.. File.ReadAllLines(new AuditFile(orders.AuditPath).OriginalsOf(operation)).Select(line => JsonDocument.Parse(line).RootElement)
            .Select(line => string.Create(CultureInfo.InvariantCulture, $"{line.GetProperty("messageId").GetString()} {line.GetProperty("original").GetString()}"))];

    private sealed class ForgetfulAudit : IAuditLog
    {
        public Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<AuditEntry>>([]);
    }

    private sealed class ApplicationThatRefuses(string text) : IReplayAdvisor
    {
        public Task<IReadOnlyList<Verdict?>> JudgeAsync(IReadOnlyList<DeadLetter> letters, bool sendAgain, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<Verdict?>>([.. letters.Select(letter => Encoding.UTF8.GetString(letter.Body.Span).Contains(text, StringComparison.Ordinal) ? new Verdict(VerdictKind.Refused, "the application refuses it") : null)]);

        public Task<IReadOnlyList<Outcome?>> OutcomesAsync(IReadOnlyList<Replayed> replayed, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Outcome?>>(new Outcome?[replayed.Count]);

        public Task<string?> WasDoneAsync(DeadLetter letter, string by, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
    }
}

/// <summary>A message of the test's own consumer.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Currency">The currency, as in EUR.</param>
/// <param name="Price">The price.</param>
public sealed record PriceOrder(int Number, string Currency, decimal Price);
