using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Applications whose dead-letter queues do not have MassTransit's names.</summary>
public sealed class CustomQueueNameTests
{
    [Theory]
    [InlineData("orders.dlq", "*.dlq, *-dead")]
    [InlineData("orders-errors", "*-errors")]
    [InlineData("whatever", "whatever")] // the name does not contain the input queue; the messages name it
    public async Task Dead_letter_queue_with_a_custom_name_is_found_by_its_pattern_and_replayed_to_the_input_queue(string queue, string patterns)
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync(queue, new Dictionary<string, object?> { ["x-queue-type"] = "classic" });
        var id = Guid.CreateVersion7();
        await orders.PutAsync(Orders.Faulted(id), Orders.Envelope(id, """{ "item": "tea" }"""), queue);
        await orders.SeeAsync(queue, 1);
        var command = Command(orders, patterns);

        (await command.RunAsync("dead-letters", "list", "--json")).Json[0].GetProperty("name").GetString().ShouldBe(queue);
        (await command.RunAsync("dead-letters", "show", $"{id}", "--json")).Output.ShouldContain($"\"{queue}\"");
        (await command.RunAsync("dead-letters", "replay", "--all", "--yes", "--wait", "0", "--json")).Json.GetProperty("replayed").GetInt64().ShouldBe(1); // from the only non-empty queue

        await orders.SeeAsync(Orders.Input, 1);
        await orders.SeeAsync(queue, 0);
        (await orders.Command.RunAsync("dead-letters", "list", "--json")).Output.ShouldNotContain(queue); // without the setting, only MassTransit's names are found
    }

    [Fact]
    public async Task Message_discarded_from_a_queue_with_a_custom_name_is_restored_to_it()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("orders.dlq", new Dictionary<string, object?> { ["x-queue-type"] = "classic" });
        var id = Guid.CreateVersion7();
        await orders.PutAsync(Orders.Faulted(id), Orders.Envelope(id, """{ "item": "tea" }"""), "orders.dlq");
        await orders.SeeAsync("orders.dlq", 1);
        var command = Command(orders, "*.dlq");

        (await command.RunAsync("dead-letters", "discard", "--queue", "orders.dlq", "--all", "--yes")).Code.ShouldBe(0);
        await orders.SeeAsync("orders_discarded", 1);
        (await command.RunAsync("dead-letters", "restore", "--queue", "orders.dlq", "--all", "--yes")).Code.ShouldBe(0);

        await orders.SeeAsync("orders.dlq", 1);
    }

    [Fact]
    public async Task Pattern_that_matches_every_queue_is_rejected()
    {
        await using var orders = await Orders.CreateAsync();
        var result = await Command(orders, "*").RunAsync("dead-letters", "list");
        result.Code.ShouldBe(2);
        result.Errors.ShouldContain("DeadLetters__Queues");
    }

    private static OperatorCommand Command(Orders orders, string patterns) => new(new Dictionary<string, string>
    {
        ["ConnectionStrings__RabbitMq"] = orders.VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = TestBroker.Required("WORKINIT_TEST_MANAGEMENT"),
        ["DeadLetters__AuditFile"] = Path.Combine(Path.GetTempPath(), $"{orders.VirtualHost.Name}.jsonl"),
        ["DeadLetters__Queues"] = patterns,
    });
}
