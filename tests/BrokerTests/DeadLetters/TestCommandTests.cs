using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The command <c>workinit dead-letters test</c>: its options, exit codes and audit. What it writes is in <see cref="GeneratedTestTests"/>.</summary>
public sealed class TestCommandTests
{
    [Fact]
    public async Task Test_is_masked_until_it_is_revealed_and_the_audit_records_only_that()
    {
        await using var orders = await Orders.CreateAsync();
        var id = await PutAsync(orders, "Orders.PlaceOrderConsumer");

        var masked = await orders.Command.RunAsync("dead-letters", "test", id);
        masked.ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain("\"customer\": \"Xxxx Xxx\""), it => it.Output.ShouldContain("bus.AddConsumer<global::Orders.PlaceOrderConsumer>();"),
            it => it.Output.ShouldContain("namespace DeadLetterTests;"), it => it.Output.ShouldContain("public sealed partial class PlaceOrderConsumerLetter"));
        (masked.Output + masked.Errors).ShouldNotContain("Jane");
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, default)).ShouldBeEmpty();

        (await orders.Command.RunAsync("dead-letters", "test", id, "--queue", Orders.Error, "--reveal", "--as", "jim")).Output.ShouldContain("\"customer\": \"Jane Doe\"");
        var entry = (await orders.Client.Audit.ReadAsync(Orders.Error, 10, default)).ShouldHaveSingleItem();
        (entry.Verb, entry.By, entry.Messages.ShouldHaveSingleItem()).ShouldBe(("reveal", "jim", id));
        await orders.SeeAsync(Orders.Error, 1);
    }

    [Fact]
    public async Task Existing_file_is_overwritten_only_with_yes()
    {
        await using var orders = await Orders.CreateAsync();
        var id = await PutAsync(orders, "Orders.PlaceOrderConsumer");
        var folder = Directory.CreateTempSubdirectory("workinit-").FullName;
        var file = Path.Combine(folder, "new", "PlaceOrderTests.cs");

        (await orders.Command.RunAsync("dead-letters", "test", id, "--output", file)).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldBeEmpty(), it => it.Errors.ShouldContain($"Written: {file}"));
        (await File.ReadAllTextAsync(file)).ShouldBe((await orders.Command.RunAsync("dead-letters", "test", id)).Output);
        await File.WriteAllTextAsync(file, "mine");
        (await orders.Command.RunAsync("dead-letters", "test", id, "--output", file, "--reveal")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("exists. Overwrite it?"));
        (await File.ReadAllTextAsync(file)).ShouldBe("mine");
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, default)).ShouldBeEmpty(); // nothing was revealed
        (await orders.Command.RunAsync("dead-letters", "test", id, "--output", file, "--yes")).Code.ShouldBe(0);
        (await File.ReadAllTextAsync(file)).ShouldContain("[Fact]");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Letter_without_a_test_and_a_wrong_command_line_have_exit_codes_and_reasons()
    {
        await using var orders = await Orders.CreateAsync();
        var id = await PutAsync(orders, consumer: null);

        foreach (var (arguments, code, error) in new (string[] Arguments, int Code, string Error)[]
        {
            ([id, "--reveal"], 1, "no consumer was called"),
            (["0123456789abcdef", "--queue", Orders.Error], 1, "Dead letter 0123456789abcdef not found in orders_error"),
            (["0123456789abcdef"], 1, "0123456789abcdef not found"),
            ([id, "--namespace", "Shop.1"], 2, "“Shop.1” is not a namespace of C#"),
            ([id, "--namespace", "Shop;class"], 2, "is not a namespace of C#"),
            ([id, "--queue", "nowhere_error"], 2, "Queue \"nowhere_error\" not found"),
        })
            (await orders.Command.RunAsync(["dead-letters", "test", .. arguments])).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(code, it.ToString()), it => it.Errors.ShouldContain(error), it => it.Output.ShouldBeEmpty());
        (await orders.Client.Audit.ReadAsync(Orders.Error, 10, default)).ShouldBeEmpty();
        (await orders.Command.RunAsync("dead-letters", "test", "--help")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0), it => it.Output.ShouldContain("workinit dead-letters test 9f86d081884c7d65"));
    }

    private static async Task<string> PutAsync(Orders orders, string? consumer)
    {
        var id = Guid.CreateVersion7();
        var properties = Orders.Faulted(id);
        if (consumer is not null)
            properties.Headers!["MT-Fault-ConsumerType"] = consumer;
        await orders.PutAsync(properties, Orders.Envelope(id, """{ "orderId": 4711, "customer": "Jane Doe" }"""));
        await orders.SeeAsync(Orders.Error, 1);
        // A search of all queues looks at those that the management API counts.
        await Eventually.SeeAsync(() => orders.Client.FindQueuesAsync(default), queues => queues.Any(queue => queue is { Name: Orders.Error, Messages: 1 }), "the dead-letter queue is listed");
        return id.ToString();
    }
}
