using System.Text;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A dead letter that RabbitMQ can't give to an AMQP 0-9-1 client, as it is with some messages of AMQP 1.0 clients. A proxy closes the connection instead of the broker.</summary>
public sealed class UndeliverableLetterTests
{
    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Message_that_closes_the_connection_is_reported_with_its_queue_and_its_place(string errorType)
    {
        await using var orders = await Orders.CreateAsync(errorType);
        using var broker = TestBroker.FromEnvironment();
        var ids = await orders.PutFaultsAsync(6);
        await using var proxy = new ClosingProxy(broker.Amqp, Encoding.ASCII.GetBytes(ids[3].ToString()));
        var command = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = orders.VirtualHost.ConnectionString("operator").Replace($":{broker.Amqp.Port}/", $":{proxy.Port}/", StringComparison.Ordinal),
            ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = orders.AuditPath,
        });

        foreach (var verb in new[] { "list", "replay" })
        {
            var run = await (verb == "list" ? command.RunAsync("dead-letters", verb, "--queue", Orders.Error) : command.RunAsync("dead-letters", verb, "--queue", Orders.Error, "--all", "--dry-run"));

            run.Code.ShouldBe(1, run.ToString());
            run.ToString().ShouldMatch($"\\(541\\) at about position [1-4] of {Orders.Error}"); // a message may be on its way when the connection is closed
            run.ToString().ShouldContain("AMQP 1.0 client");
        }
        await orders.SeeAsync(Orders.Error, 6);
        (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", CancellationToken.None)).Letters.Count.ShouldBe(6);
    }
}
