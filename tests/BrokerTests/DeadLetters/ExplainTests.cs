using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The explanation of a dead letter, compared with what MassTransit and the broker really write, and with what a replay really does.</summary>
public sealed class ExplainTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Replay_does_with_each_header_and_property_what_the_explanation_says()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        var properties = Orders.Faulted(id);
        (properties.Expiration, properties.DeliveryMode, properties.Type, properties.AppId) = ("3600000", RabbitMQ.Client.DeliveryModes.Transient, "order", "shop");
        foreach (var (name, value) in new (string, object?)[] { ("Original-CC", "earlier"), ("Replay-Count", 2), ("Replay-Id", "earlier.1"), ("Replay-Send-Again", true), ("x-shovelled", true), ("x-first-death-queue", "orders"), ("publishId", "7"), ("Nothing", null) })
            properties.Headers![name] = value;
        await orders.PutAsync(properties, Orders.Envelope(id, "{}"));
        await orders.SeeAsync(Orders.Error, 1);

        var explained = await orders.Command.RunAsync("dead-letters", "explain", id.ToString(), "--queue", Orders.Error, "--json");
        await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none);

        explained.Code.ShouldBe(0, explained.ToString());
        await orders.SeeAsync(Orders.Input, 1);
        var message = (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Single();
        var parts = explained.Json[0].GetProperty("parts").EnumerateArray().Select(part => (Name: part.GetProperty("name").GetString()!, OnReplay: part.GetProperty("onReplay").GetString()!, Becomes: Text(part, "becomesHeader"))).ToList();
        parts.Select(part => part.OnReplay).Distinct().Order(StringComparer.Ordinal).ShouldBe(["changed", "kept", "removed", "renamed"]);
        foreach (var (name, effect, becomes) in parts.Where(part => properties.Headers!.ContainsKey(part.Name)))
        {
            var (before, after) = (Header(properties, name), Header(message.BasicProperties, name));
            (effect switch { "kept" => after == before, "removed" => after is null, "changed" => after is not null && after != before, _ => after is null && Header(message.BasicProperties, becomes!) == before }).ShouldBeTrue($"{name}: {effect}");
        }
        parts.Where(part => part.OnReplay == "renamed").Select(part => Header(message.BasicProperties, part.Becomes!)).ShouldBe(["1", "3600000"], ignoreOrder: true);
        (message.BasicProperties.Type, message.BasicProperties.AppId, message.BasicProperties.CorrelationId).ShouldBe(("order", "shop", "kept"));
    }

    [Fact]
    public async Task Each_header_that_MassTransit_writes_on_a_dead_letter_has_a_meaning_of_its_own()
    {
        await using var shop = await Shop.CreateAsync(1, reports: false);
        var command = new OperatorCommand(shop.CommandSettings);
        var id = (await command.RunAsync("dead-letters", "list", "--queue", Shop.Error, "--json")).Json.GetProperty("letters")[0].GetProperty("id").GetString()!;

        var explained = await command.RunAsync("dead-letters", "explain", id);

        explained.Code.ShouldBe(0, explained.ToString());
        explained.Output.ShouldContain("From MassTransit");
        explained.Output.ShouldContain("  MT-Fault-ExceptionType (removed by a replay): The type of the exception");
        explained.Output.ShouldNotContain("Written by MassTransit"); // what is said of a header that is not known
        explained.Output.ShouldNotContain("TimeoutException"); // values are for show
        (await command.RunAsync("dead-letters", "explain", "0123456789abcdef")).Code.ShouldBe(1);
    }

    private static string? Header(RabbitMQ.Client.IReadOnlyBasicProperties properties, string name) => Headers.Text(properties.Headers, name);

    private static string? Text(JsonElement part, string name) => part.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
