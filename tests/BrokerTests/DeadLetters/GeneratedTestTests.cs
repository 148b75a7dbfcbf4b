using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.BrokerTests.Adopting;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary><c>workinit dead-letters test</c>: the test that it writes, for an application that is built from the packed packages.</summary>
public sealed class GeneratedTestTests(Packages packages)
{
    private static readonly (string Queue, string Consumer, string Exception, string[] Options)[] _letters =
    [
        ("place-order", "PlaceOrderConsumer", "System.IndexOutOfRangeException", []),
        ("parcels", "SendConsumer", "A bug in a nested consumer", ["--reveal"]),
        ("changes", "ChangedConsumer", "A bug in a generic consumer", []),
        ("shipped", "ShippedConsumer", "A bug in a consumer of an interface", []),
        ("ticks", "TicksConsumer", "A bug in a batch consumer", []),
        ("faults", "FaultConsumer", "A bug in a fault consumer", []),
    ];

    [Fact]
    public async Task Generated_tests_fail_with_the_exceptions_of_their_dead_letters_and_pass_after_the_fix()
    {
        var more = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "DeadLetters", "MoreConsumers.cs.txt"));
        using var folder = await DeveloperFolder.CreateAsync(packages, more);
        folder.Change("Orders/Program.cs", "bus.AddConsumer<PlaceOrderConsumer>();", "bus.AddConsumer<PlaceOrderConsumer>(); bus.AddMore();");
        folder.Change("Orders/Program.cs", "    rabbit.ReceiveEndpoint(\"place-order\"", "    rabbit.ConfigureEndpoints(context, only => only.Exclude<PlaceOrderConsumer>());\n        rabbit.ReceiveEndpoint(\"place-order\"");
        folder.Change("Orders/Program.cs", "await app.RunAsync();", "app.MapPost(\"/more\", MoreConsumers.PublishAsync);\n\nawait app.RunAsync();");
        folder.Change("Orders/Orders.cs", "        var order = context.Message;", "        var order = context.Message;\n        LogPlaced(order.OrderId, order.CustomerEmail.Split('@')[2]);");
        (await folder.RunAsync("dotnet", ["build"])).ShouldSucceed();
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        await FailAsync(folder, virtualHost, broker);

        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = virtualHost.ConnectionString("operator"),
            ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = Path.Combine(folder.Tests, "audit.jsonl"),
        };
        foreach (var (queue, consumer, _, options) in _letters)
        {
            var id = await IdAsync(folder, settings, queue);
            string[] command = ["dead-letters", "test", id, "--queue", $"{queue}_error", "--output", $"{consumer}Tests.cs", "--namespace", "Orders.Tests", .. options];
            (await folder.RunAsync(folder.Tool, command, settings)).ShouldSucceed();
            folder.Write($"Orders.Tests/{consumer}Services.cs", $$"""
                using Microsoft.Extensions.DependencyInjection;

                namespace Orders.Tests;

                public sealed partial class {{consumer}}Letter{{id}}
                {
                    static partial void AddServices(IServiceCollection services)
                    {
                        var stock = new Stock();
                        stock.Add("xxx"); // the item is masked
                        services.AddSingleton(stock);
                    }
                }
                """);
            (await folder.RunAsync(folder.Tool, command, settings)).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2, it.Output), it => it.Output.ShouldContain($"{consumer}Tests.cs exists. Overwrite it?"));
            (await folder.RunAsync(folder.Tool, [.. command, "--yes"], settings)).ShouldSucceed();
        }
        (await folder.RunAsync(folder.Tool, ["dead-letters", "test", await IdAsync(folder, settings, "deliveries"), "--queue", "deliveries_error"], settings))
            .ShouldSatisfyAllConditions(it => it.Code.ShouldBe(1, it.Output), it => it.Output.ShouldContain("it failed in a saga (Orders.Delivery)"));
        (await File.ReadAllTextAsync(Path.Combine(folder.Tests, "PlaceOrderConsumerTests.cs"))).ShouldSatisfyAllConditions(it => it.ShouldNotContain("jane"), it => it.ShouldContain("//   customerEmail"));

        var red = await folder.RunAsync("dotnet", ["test"]);
        red.Code.ShouldNotBe(0, red.Output);
        foreach (var (_, consumer, exception, _) in _letters)
            red.Output.ShouldContain(exception, Case.Sensitive, consumer);
        red.Output.ShouldContain($"failed: {_letters.Length}", Case.Insensitive);

        folder.Change("Orders/MoreConsumers.cs", "public static void In(string consumer) => throw new InvalidOperationException($\"A bug in {consumer}\");", "public static void In(string consumer) { }");
        folder.Change("Orders/Orders.cs", "Split('@')[2]", "Split('@')[1]");
        var green = await folder.RunAsync("dotnet", ["test"]);
        green.ShouldSucceed();
        green.Output.ShouldContain($"succeeded: {_letters.Length}", Case.Insensitive);
    }

    private static async Task FailAsync(DeveloperFolder folder, TestVirtualHost virtualHost, TestBroker broker)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.TakeFree()}");
        var start = new ProcessStartInfo("dotnet", [folder.Application]) { RedirectStandardOutput = true, WorkingDirectory = Path.GetDirectoryName(folder.Application) };
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        start.Environment["ConnectionStrings__RabbitMq"] = virtualHost.ConnectionString("operator");
        start.Environment["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString();
        start.Environment["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(folder.Tests, "catalogue.db")}";
        using var application = Process.Start(start)!;
        _ = application.StandardOutput.ReadToEndAsync(); // keeps its intended failures out of the test output
        try
        {
            using var client = new HttpClient { BaseAddress = address };
            foreach (var queue in (string[])[.. _letters.Select(letter => letter.Queue), "deliveries"])
                await virtualHost.SeeConsumerAsync(queue, TimeSpan.FromMinutes(2));
            (await client.PostAsJsonAsync("/orders", new { orderId = Guid.NewGuid(), item = "tea", customerEmail = "jane@example.com" })).EnsureSuccessStatusCode();
            (await client.PostAsync(new Uri("/more", UriKind.Relative), null)).EnsureSuccessStatusCode();
            foreach (var queue in (string[])[.. _letters.Select(letter => letter.Queue), "deliveries"])
                await Eventually.SeeAsync(() => virtualHost.ReadyAsync($"{queue}_error"), ready => ready == 1, $"one dead letter in {queue}_error", TimeSpan.FromMinutes(2));
        }
        finally
        {
            application.Kill();
            await application.WaitForExitAsync();
        }
    }

    private static async Task<string> IdAsync(DeveloperFolder folder, Dictionary<string, string> settings, string queue)
    {
        var listed = await folder.RunAsync(folder.Tool, ["dead-letters", "list", "--queue", $"{queue}_error", "--json"], settings);
        listed.ShouldSucceed();
        using var json = JsonDocument.Parse(listed.Output);
        return json.RootElement.GetProperty("letters")[0].GetProperty("id").GetString()!;
    }
}
