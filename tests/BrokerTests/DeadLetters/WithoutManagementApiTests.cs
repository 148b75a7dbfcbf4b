using System.Net.Http.Json;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A broker without the management plugin: no process listens at the address of the management API.</summary>
public sealed class WithoutManagementApiTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Auto_delete_queue_which_RabbitMQ_would_delete_after_a_read_is_not_read(bool durable, bool hasManagement)
    {
        await using var orders = await Orders.CreateAsync();
        await orders.Channel.QueueDeclareAsync("shop_error", durable, exclusive: false, autoDelete: true);
        await orders.PutAsync(Orders.Faulted(Guid.CreateVersion7()), Orders.Envelope(Guid.CreateVersion7(), "{}"), "shop_error");
        await orders.SeeAsync("shop_error", 1);
        var command = hasManagement ? orders.Command : orders.CommandWithoutManagement;

        foreach (var verb in new string[][] { ["list"], ["replay", "--all", "--dry-run"], ["discard", "--all", "--yes"], ["export"] })
        {
            var result = await command.RunAsync(["dead-letters", verb[0], "--queue", "shop_error", .. verb[1..]]);
            result.Code.ShouldBe(1, $"{verb[0]}: {result}");
            result.Errors.ShouldContain("shop_error is auto-delete");
        }
        (await orders.VirtualHost.ReadyAsync("shop_error")).ShouldBe(1);
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Queue_given_by_name_is_listed_shown_and_exported_without_the_management_API(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        var ids = await orders.PutFaultsAsync(5);
        var command = Command(orders, "operator");

        for (var read = 0; read < 4; read++)
        {
            var list = (await RunAsync(command, "list", "--queue", Orders.Error, "--json")).Json;
            list.GetProperty("letters").EnumerateArray().Select(letter => letter.GetProperty("messageId").GetGuid()).ShouldBe(ids);
        }
        (await RunAsync(command, "show", $"{ids[2]}", "--queue", Orders.Error, "--json")).Output.ShouldContain($"{ids[2]}");
        (await RunAsync(command, "export", "--queue", Orders.Error)).Output.Split('\n').Count(line => line.Contains("\"body\"", StringComparison.Ordinal)).ShouldBe(5);
        (await orders.VirtualHost.TakeAllAsync(Orders.Error)).Select(letter => Guid.Parse(letter.BasicProperties.MessageId!)).ShouldBe(ids); // in their original order
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Selected_messages_are_replayed_without_the_management_API_and_the_rest_stays_in_order(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        var ids = await orders.PutFaultsAsync(5);

        var replay = await Command(orders, "operator").RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--where", $"id={ids[1]}", "--yes", "--wait", "2s", "--json");

        replay.Json.GetProperty("replayed").GetInt64().ShouldBe(1, replay.ToString());
        await orders.SeeAsync(Orders.Input, 1);
        await orders.SeeAsync(Orders.Error, 4);
        (await orders.VirtualHost.TakeAllAsync(Orders.Error)).Select(letter => Guid.Parse(letter.BasicProperties.MessageId!)).ShouldBe([ids[0], ids[2], ids[3], ids[4]]);
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Dead_letters_are_discarded_and_restored_without_the_management_API(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        var ids = await orders.PutFaultsAsync(3);
        var command = Command(orders, "operator");

        (await RunAsync(command, "discard", "--queue", Orders.Error, "--where", $"id={ids[1]}", "--yes", "--json")).Json.GetProperty("done").GetInt64().ShouldBe(1);
        await orders.SeeAsync(Orders.Error, 2);
        await orders.SeeAsync("orders_discarded", 1);
        (await orders.VirtualHost.ManagementAsync("queues/{vhost}/orders_discarded")).GetProperty("type").GetString().ShouldBe(type);

        (await RunAsync(command, "restore", "--queue", Orders.Error, "--all", "--yes", "--json")).Json.GetProperty("done").GetInt64().ShouldBe(1);
        (await orders.VirtualHost.TakeAllAsync(Orders.Error)).Select(letter => Guid.Parse(letter.BasicProperties.MessageId!)).ShouldBe([ids[0], ids[2], ids[1]]);
    }

    /// <summary>With permission to configure the queue, the command reads the delivery limit. Without it, the command assumes the lowest limit.</summary>
    [Theory]
    [InlineData("operator", 3)]
    [InlineData("looks-only", 2)]
    public async Task Queue_with_a_delivery_limit_loses_no_message_by_reads_without_the_management_API(string user, int limit)
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-delivery-limit"] = limit });
        await orders.PutFaultsAsync(1);
        if (user != "operator")
        {
            using var broker = TestBroker.FromEnvironment();
            await DeadLetterPages.AddUserAsync(broker, user, "");
            (await broker.Management.PutAsJsonAsync(
                $"/api/permissions/{orders.VirtualHost.Name}/{user}", new { configure = "^dead-letters-lock:.*", write = "^(amq\\.default|dead-letters-lock:.*)$", read = ".*" })).EnsureSuccessStatusCode();
        }
        var command = Command(orders, user);

        var codes = new List<int>();
        for (var read = 0; read < 6; read++)
            codes.Add((await command.RunAsync("dead-letters", "list", "--queue", Orders.Error)).Code);

        codes[0].ShouldBe(0);
        codes.ShouldAllBe(code => code == 0 || code == 1); // 1: refused, before a read would lose the message
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(1);
    }

    [Fact]
    public async Task Command_that_needs_the_management_API_says_what_works_without_it()
    {
        await using var orders = await Orders.CreateAsync();
        var list = await Command(orders, "operator").RunAsync("dead-letters", "list");
        list.Code.ShouldBe(3);
        list.Errors.ShouldContain("A queue given by name works without it");
    }

    private static async Task<CommandResult> RunAsync(OperatorCommand command, params string[] arguments)
    {
        var result = await command.RunAsync(["dead-letters", .. arguments]);
        result.Code.ShouldBe(0, result.ToString());
        return result;
    }

    private static OperatorCommand Command(Orders orders, string user) => new(new Dictionary<string, string>
    {
        ["ConnectionStrings__RabbitMq"] = orders.VirtualHost.ConnectionString(user),
        ["RabbitMqManagement__Url"] = $"http://127.0.0.1:{Ports.TakeFree()}", // nothing listens there
        ["DeadLetters__AuditFile"] = Path.Combine(Path.GetTempPath(), $"{orders.VirtualHost.Name}.jsonl"),
    });
}
