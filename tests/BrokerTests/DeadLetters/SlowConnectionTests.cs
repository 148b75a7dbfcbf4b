using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A dead letter whose transfer takes seconds must not be reported as missing.</summary>
public sealed class SlowConnectionTests
{
    private const int Size = 6_000_000;
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Large_dead_letter_on_a_slow_connection_is_found_listed_and_discarded(string errorType)
    {
        await using var orders = await Orders.CreateAsync(errorType);
        using var broker = TestBroker.FromEnvironment();
        var ids = await orders.PutFaultsAsync(2);
        var large = Guid.CreateVersion7();
        await orders.PutAsync(Orders.Faulted(large), Orders.Envelope(large, $$"""{ "number": 3, "note": "{{new string('x', Size)}}" }"""));
        await orders.SeeAsync(Orders.Error, 3);
        await using var proxy = new SlowProxy(broker.Amqp, bytesPerSecond: 3_000_000);
        using var client = new DeadLetterClient(
            DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString("operator").Replace($":{broker.Amqp.Port}/", $":{proxy.Port}/", StringComparison.Ordinal), broker.Management.BaseAddress!),
            orders.Client.Audit);

        for (var read = 0; read < 2; read++)
        {
            (await client.FindAsync(Orders.Error, large.ToString(), "jane", _none)).ShouldNotBeNull().Body.Length.ShouldBeGreaterThan(Size);
            var page = await client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none);
            page.Letters.Select(letter => letter.MessageId).ShouldBe([.. ids.Select(id => id.ToString()), large.ToString()]);
        }
        var discarded = await client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none);
        (discarded.Done, discarded.IsComplete).ShouldBe((3, true));
        (await orders.VirtualHost.ReadyAsync("orders_discarded")).ShouldBe(3);
    }
}
