using System.Net.Http.Json;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Two queues of an application in a virtual host, and a RabbitMQ user that only <c>grant</c> gave rights. Its password is its name.</summary>
internal sealed class GrantedShop : IAsyncDisposable
{
    private const string DeadLetterExchange = "billing-failures";
    private static readonly CancellationToken _none = CancellationToken.None;

    private GrantedShop(Orders orders, TestBroker broker, string user) => (Orders, Broker, User) = (orders, broker, user);

    public Orders Orders { get; }

    public TestBroker Broker { get; }

    public string User { get; }

    public DeadLetterOptions Options => DeadLetterOptions.Parse(Orders.VirtualHost.ConnectionString(User), Broker.Management.BaseAddress!);

    public static async Task<GrantedShop> CreateAsync()
    {
        var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("orders_skipped", []);
        await orders.Channel.ExchangeDeclareAsync(DeadLetterExchange, ExchangeType.Fanout, durable: true);
        await orders.Channel.QueueDeclareAsync("billing", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-dead-letter-exchange"] = DeadLetterExchange });
        await orders.Channel.QueueDeclareAsync("billing_error", durable: true, exclusive: false, autoDelete: false);
        await orders.Channel.QueueBindAsync("billing_error", DeadLetterExchange, "");
        return new GrantedShop(orders, TestBroker.FromEnvironment(), $"console-{Guid.NewGuid():N}"[..16]);
    }

    /// <summary>Runs the command as an administrator.</summary>
    public Task<CommandResult> GrantAsync(params string[] arguments) => Orders.Command.RunAsync(["dead-letters", "grant", User, .. arguments]);

    /// <summary>Runs the command for a new user.</summary>
    public async Task<JsonElement> CreateUserAsync(params string[] arguments)
    {
        var result = await Orders.Command.RunWithAsync(User + "\n", ["dead-letters", "grant", User, "--password-stdin", "--yes", "--json", .. arguments]);
        result.Code.ShouldBe(0, result.ToString());
        return result.Json;
    }

    public async Task SetPermissionsAsync(string configure, string write, string read) =>
        (await Broker.Management.PutAsJsonAsync($"/api/permissions/{Orders.VirtualHost.Name}/{User}", new { configure, write, read })).EnsureSuccessStatusCode();

    public Task<JsonElement> PermissionsAsync() => Orders.VirtualHost.ManagementAsync($"permissions/{{vhost}}/{User}");

    /// <summary>Looks at everything as the console does: the feed of the catalogue, the queues, the letters.</summary>
    /// <returns>The catalogue, which goes on.</returns>
    public async Task<FedCatalogue> LookAsync(DeadLetterClient client)
    {
        await Orders.Channel.BasicPublishAsync("", "orders_skipped", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), Orders.Envelope(Guid.CreateVersion7(), "{}"));
        await Orders.Channel.BasicPublishAsync(DeadLetterExchange, "", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), Orders.Envelope(Guid.CreateVersion7(), "{}"));
        await Orders.SeeAsync("billing_error", 1);
        var fed = await FedCatalogue.StartAsync(Options);
        try
        {
            await fed.SeeFedAsync(Orders.Error);
            await fed.SeeFedAsync("billing_error");
            await fed.SeeFedAsync("orders_skipped");
            await CatalogueFeedTests.FailAsync(Orders, 6);
            await fed.SeeAgreesAsync(Orders.Error, 6);
            await Task.Delay(TimeSpan.FromSeconds(1)); // the queue of the reports is declared beside the feed
            fed.Logged.ShouldBeEmpty();
            fed.Feed.ReportsProblem.ShouldBeNull();
            (await client.FindQueuesAsync(_none)).Count(queue => queue.Messages > 0).ShouldBe(3);
            (await client.GroupAsync(Orders.Error, DeadLetterFilter.All, "jane", null, _none)).Examined.ShouldBe(6);
            (await client.ListAsync("orders_skipped", DeadLetterFilter.All, 0, 10, "jane", _none)).Letters.Count.ShouldBe(1);
            return fed;
        }
        catch
        {
            await fed.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does everything that the console does.</summary>
    public async Task OperateAsync()
    {
        (await StatusAsync("health/checks/alarms")).ShouldBe(200); // an operation would not see an alarm without it
        using var client = new DeadLetterClient(Options, Orders.Client.Audit);
        await using var fed = await LookAsync(client);
        await using (await ReportingApplication.StartAsync(Orders, _ => Handling.Succeeds))
            await ReplayAsync(client, letter => letter, Outcome.Handled);
        await using (await ReportingApplication.StartAsync(Orders, _ => Handling.Fails))
            await ReplayAsync(client, letter => letter with { Edited = """{ "number": 7 }""" }, Outcome.FailedAgain);
        var one = DeadLetterFilter.ById((await client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", _none)).Letters[0].Id);
        (await client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = one, By = "jane" }, null, _none)).Done.ShouldBe(1);
        (await client.ListAsync("orders_discarded", DeadLetterFilter.All, 0, 10, "jane", _none)).Letters.Count.ShouldBe(1);
        (await client.RestoreAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none)).Done.ShouldBe(1);
        await fed.SeeAgreesAsync(Orders.Error, 5);
        fed.Logged.ShouldNotContain(line => line.Contains("permission", StringComparison.Ordinal)); // a read that an operation ends early is logged too
    }

    /// <summary>The status of a request to the management API as this user.</summary>
    public async Task<int> StatusAsync(string path)
    {
        using var http = ManagementClient.Connect(Options);
        using var answer = await http.GetAsync("api/" + path);
        return (int)answer.StatusCode;
    }

    /// <summary>Why the broker refuses something to this user; null if it does not.</summary>
    public async Task<int?> RefusalAsync(Func<IChannel, Task> act)
    {
        await using var connection = await Options.ConnectAsync("test", _none);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        try
        {
            await act(channel);
            return null;
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException e)
        {
            return e.ShutdownReason?.ReplyCode;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Orders.DisposeAsync();
        Broker.Dispose();
    }

    private static async Task ReplayAsync(DeadLetterClient client, Func<ReplayRequest, ReplayRequest> change, Outcome outcome)
    {
        var letter = (await client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 1, "jane", _none)).Letters[0];
        var request = new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById(letter.Id), By = "jane", Wait = TimeSpan.FromSeconds(8), AllAtOnce = true };
        var result = await client.ReplayAsync(change(request), null, _none);
        result.Refused.ShouldBeEmpty();
        result.ReportsProblem.ShouldBeNull();
        var replayed = result.Replayed.ShouldHaveSingleItem();
        (replayed.Outcome, replayed.NewLetter is not null).ShouldBe((outcome, outcome == Outcome.FailedAgain));
    }
}
