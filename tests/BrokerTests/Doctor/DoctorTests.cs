using System.Net;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Virtual hosts that are set up like real ones: the doctor finds all that was put in, and nothing else. Each also has queues that are close to a rule and trip none.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task Virtual_host_where_a_platform_team_sets_broad_policies()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.InputAsync("billing");
        await host.QueueAsync("billing_skipped");
        await host.InputAsync("mail");
        await host.InputAsync("stock", "quorum", ("x-dead-letter-exchange", "stock_error"), ("x-overflow", "reject-publish-dlx"), ("x-max-length", 1000));
        await host.Orders.Channel.ExchangeDeclareAsync("stock_error", ExchangeType.Fanout, durable: true);
        await host.Orders.Channel.QueueBindAsync("stock_error", "stock_error", "");
        await host.InputAsync("returns", arguments: [("x-max-length", 1000), ("x-overflow", "reject-publish")]);
        await host.InputAsync("claims", arguments: [("x-max-length-bytes", 1_000_000)]);
        await host.SeeAsync("reject-publish-dlx stock", "drop-head claims");

        await host.PolicyAsync("no-old-messages", "^billing", new() { ["message-ttl"] = 86_400_000 });
        await host.PolicyAsync("short", "^mail$", new() { ["expires"] = 3_600_000 });
        await host.SeeAsync(
            "reject-publish-dlx stock", "drop-head claims", "expiring-input billing", "expiring-input mail", "limited-dead-letter-queue billing_error", "limited-dead-letter-queue billing_skipped");
    }

    [Fact]
    public async Task Virtual_host_of_an_application_that_copies_arguments_and_declares_temporary_queues()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.QueueAsync("billing_error", "quorum", arguments: [("x-delivery-limit", 5)]);
        await host.QueueAsync("mail_error", autoDelete: true);
        await host.QueueAsync("prices", durable: false);
        await host.QueueAsync("stock", arguments: [("x-dead-letter-exchange", "nowhere")]);
        await host.QueueAsync("claims", "quorum", arguments: [("x-delivery-limit", 5)]);
        await host.QueueAsync("returns", "quorum", arguments: host.IsLatest ? [("x-delivery-limit", -1)] : []);
        await using var temporary = await host.Orders.VirtualHost.OpenChannelAsync();
        await temporary.QueueDeclareAsync("bus", durable: false, exclusive: true, autoDelete: true);
        await host.SeeAsync("limited-dead-letter-queue billing_error", "temporary-dead-letter-queue mail_error", "transient-queue prices", "missing-dead-letter-exchange stock", "delivery-limit claims");
    }

    [Fact]
    public async Task Virtual_host_where_a_replay_would_go_astray()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.Orders.Channel.ExchangeDeclareAsync("lost", ExchangeType.Fanout, durable: true);
        await host.Orders.Channel.ExchangeDeclareAsync("billing", ExchangeType.Fanout, durable: true, arguments: new Dictionary<string, object?> { ["alternate-exchange"] = "lost" });
        await host.QueueAsync("billing");
        await host.QueueAsync("billing_error");
        await host.InputAsync("mail");
        await host.InputAsync("stock");
        await host.PolicyAsync("keep-all", "^mail$", new() { ["alternate-exchange"] = "lost" }, "exchanges");
        await host.SeeAsync("alternate-exchange billing", "alternate-exchange mail");

        var findings = (await host.Orders.Client.DiagnoseAsync(null, default)).Findings;
        findings.Single(finding => finding.Queue == "billing").Severity.ShouldBe(FindingSeverity.Loss); // not bound
        findings.Single(finding => finding.Queue == "mail").Severity.ShouldBe(FindingSeverity.Warning);
    }

    [Fact]
    public async Task Virtual_host_that_settings_of_another_version_reach()
    {
        await using var host = await CheckedHost.CreateAsync();
        var version = (await host.Orders.Client.DiagnoseAsync(null, default)).Findings.Where(finding => finding.Rule == "broker-version");
        if (!host.IsLatest)
        {
            await host.QueueAsync("billing", "quorum", arguments: [("x-delivery-limit", -1)]);
            await host.QueueAsync("blobs");
            await host.QueueAsync("notes");
            await host.Orders.PutAsync(new BasicProperties(), new byte[17 * 1024 * 1024], "blobs");
            await host.Orders.PutAsync(new BasicProperties(), new byte[1024], "notes");
            await host.SeeAsync("negative-delivery-limit billing", "large-messages blobs");
            version.ShouldHaveSingleItem();
            return;
        }
        version.ShouldBeEmpty();
        await host.QueueAsync("billing", "quorum"); // no limit on RabbitMQ 3
        await host.QueueAsync("slow", "quorum", arguments: [("x-delivery-limit", -1)]);
        await host.QueueAsync("patient", "quorum", arguments: [("x-delivery-limit", -1), ("x-consumer-timeout", 3_600_000)]);
        await host.QueueAsync("mail_error", "quorum", arguments: [("x-delivery-limit", -1)]);
        await host.QueueAsync("stock_error", "quorum", arguments: [("x-delivery-limit", -1)]);
        await host.PolicyAsync("hurry", "^slow$", new() { ["consumer-timeout"] = 60_000 });
        await host.PolicyAsync("retry", "^mail", new() { ["delayed-retry-type"] = "all", ["delayed-retry-min"] = 60_000 });
        await host.PolicyAsync("retry-failed", "^stock", new() { ["delayed-retry-type"] = "failed", ["delayed-retry-min"] = 60_000 });
        await host.SeeAsync("delivery-limit billing", "consumer-timeout slow", "delayed-retry mail_error");

        await host.DefaultTypeAsync("quorum"); // orders_error was declared before, as a classic queue
        await host.SeeAsync("delivery-limit billing", "consumer-timeout slow", "delayed-retry mail_error", "default-queue-type orders_error");
    }

    [Fact]
    public async Task Broker_applies_the_delivery_limit_and_the_overflow_that_the_rules_go_by()
    {
        await using var host = await CheckedHost.CreateAsync();
        await using var channel = await host.Orders.VirtualHost.OpenChannelAsync(confirms: true);
        (int Argument, int Policy)[] limits = host.IsLatest ? [(-1, 5), (5, -1), (5, 3)] : [(-1, 5), (5, 3)]; // 3.x refuses a policy with -1
        (string Type, string Argument, string Policy)[] overflows =
            [("classic", "reject-publish", "drop-head"), ("classic", "drop-head", "reject-publish"), ("quorum", "reject-publish", "drop-head"), ("quorum", "drop-head", "reject-publish")];
        foreach (var (argument, policy) in limits)
        {
            await host.PolicyAsync($"limit{argument}and{policy}", $"^limit{argument}and{policy}$", new() { ["delivery-limit"] = policy });
            await host.QueueAsync($"limit{argument}and{policy}", "quorum", arguments: [("x-delivery-limit", argument)]);
        }
        foreach (var (type, argument, policy) in overflows)
        {
            await host.PolicyAsync($"{type}-{argument}", $"^{type}-{argument}$", new() { ["overflow"] = policy });
            await host.QueueAsync($"{type}-{argument}", type, arguments: [("x-max-length", 1), ("x-overflow", argument)]);
        }
        foreach (var (argument, policy) in limits)
        {
            var name = $"limit{argument}and{policy}";
            await channel.BasicPublishAsync("", name, new byte[] { 1 });
            var returned = 0;
            for (; returned < 10 && await channel.BasicGetAsync(name, autoAck: false) is { } message; returned++)
                await channel.BasicRejectAsync(message.DeliveryTag, requeue: true);
            returned.ShouldBe((int)Math.Max((await host.ShownAsync(name)).DeliveryLimitOn(host.Version)!.Value, 0) + 1, name);
        }
        foreach (var (type, argument, policy) in overflows)
        {
            var refused = 0;
            for (byte number = 0; number < 5; number++) // a quorum queue may take one more than it should
                refused += await Record.ExceptionAsync(() => channel.BasicPublishAsync("", $"{type}-{argument}", new byte[] { number }).AsTask()) is null ? 0 : 1;
            ((await host.ShownAsync($"{type}-{argument}")).Overflow == "reject-publish").ShouldBe(refused > 0, $"{type}, {argument} beside {policy}: {refused} refused");
        }
    }

    [Fact]
    public async Task Virtual_host_where_consumers_return_a_message_for_ever()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.QueueAsync("billing");
        await host.QueueAsync("busy");
        await host.Orders.PutAsync(new BasicProperties(), [1], "billing");
        await using var returning = await ConsumeAsync(host, "billing", (channel, delivery) => channel.BasicNackAsync(delivery.DeliveryTag, multiple: false, requeue: true));
        await using var busy = await ConsumeAsync(host, "busy", async (channel, delivery) =>
        {
            await channel.BasicPublishAsync("", "busy", delivery.Body);
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        });
        await host.Orders.PutAsync(new BasicProperties(), [1], "busy");
        await host.SeeAsync("returned-messages billing");
    }

    [Fact]
    public async Task Virtual_host_of_WorkinIt_itself_has_no_finding()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        using var client = new DeadLetterClient(
            DeadLetterOptions.Parse(system.VirtualHost.ConnectionString("operator"), system.Broker.Management.BaseAddress!), new AuditFile(Path.Combine(system.Folder, "audit.jsonl")));
        (await client.DiagnoseAsync(null, default)).Findings.Where(finding => finding.Rule != "broker-version").ShouldBeEmpty();
    }

    [Fact]
    public async Task Check_by_a_user_that_may_do_nothing_changes_nothing()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.QueueAsync("claims", "quorum", arguments: [("x-delivery-limit", 5)]);
        await host.UserAsync("", ".*", ".*", ".*");
        await host.SeeAsync("delivery-limit claims", "wide-permissions ");
        await host.Orders.PutFaultsAsync(3);
        var state = await Eventually.SeeAsync(host.StateAsync, now => now.Contains($"{Orders.Error} 3 ", StringComparison.Ordinal) && now.Contains("publish=3", StringComparison.Ordinal), "the management API counts the messages");
        var user = await host.UserAsync("management", "", "", "");
        var definitions = (await host.StateAsync()).Split('\n')[0];

        using var client = new DeadLetterClient(host.Orders.Options with { Username = user, Password = user, Endpoints = [] }, host.Orders.Client.Audit); // no address of the broker
        for (var run = 0; run < 20; run++)
        {
            var diagnosis = await client.DiagnoseAsync(null, default);
            diagnosis.Findings.Where(finding => finding.Rule != "broker-version").ShouldHaveSingleItem().Rule.ShouldBe("delivery-limit");
            diagnosis.Unchecked.ShouldHaveSingleItem().Rule.ShouldBe("wide-permissions");
        }

        var after = await host.StateAsync();
        after.Split('\n')[0].ShouldBe(definitions);
        after.Split('\n')[1..].ShouldBe(state.Split('\n')[1..]);
        (await host.Orders.VirtualHost.ManagementAsync("queues/{vhost}/" + Orders.Error)).GetProperty("message_stats").TryGetProperty("get", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Command_prints_findings_with_their_remedies_and_ends_with_1()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.SeeAsync();
        var none = await host.Orders.Command.RunAsync("doctor", "--queue", Orders.Input);
        (none.Code, none.Output).ShouldBe((0, $"Nothing found in {host.Orders.VirtualHost.Name} (RabbitMQ {host.Version}).{Environment.NewLine}"));

        await host.QueueAsync("prices", durable: false);
        await host.SeeAsync("transient-queue prices");
        var text = await host.Orders.Command.RunAsync("doctor");
        text.Code.ShouldBe(1, text.ToString());
        foreach (var part in new[] { "Loss: prices does not survive a restart of the broker: it is not durable.", "Remedy: Declare it durable", "Rule transient-queue; seen on RabbitMQ 3.10.8, 4.3.6." })
            text.Output.ShouldContain(part);
        var json = await host.Orders.Command.RunAsync("doctor", "--json", "--queue", "prices");
        json.Code.ShouldBe(1, json.ToString());
        json.Json.GetProperty("virtualHost").GetString().ShouldBe(host.Orders.VirtualHost.Name);
        json.Json.GetProperty("broker").GetString().ShouldBe(host.Version.ToString());
        var finding = json.Json.GetProperty("findings").EnumerateArray().ShouldHaveSingleItem();
        (finding.GetProperty("rule").GetString(), finding.GetProperty("severity").GetString(), finding.GetProperty("queue").GetString()).ShouldBe(("transient-queue", "loss", "prices"));
        json.Json.GetProperty("unchecked").GetArrayLength().ShouldBe(0);
        (await host.Orders.Command.RunAsync("doctor", "--queue", Orders.Input)).Code.ShouldBe(0); // of another queue

        var missing = await host.Orders.Command.RunAsync("doctor", "--queue", "nope");
        (missing.Code, missing.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("Queue \"nope\" not found"));
        var wrong = await host.Orders.Command.RunAsync("doctor", "--quene", "orders");
        (wrong.Code, wrong.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("See: workinit doctor --help"));
        (await host.Orders.CommandWithoutManagement.RunAsync("doctor")).Code.ShouldBe(3);
    }

    [Fact]
    public async Task Page_shows_findings_to_a_viewer_and_the_list_of_queues_leads_to_it()
    {
        await using var host = await CheckedHost.CreateAsync();
        await host.QueueAsync("<b>prices", durable: false);
        await host.SeeAsync("transient-queue <b>prices");
        await using var mounted = await MountedHost.StartAsync(host.Orders);
        using var client = new PageClient(mounted.Address);
        (await client.GetAsync("/dead-letters/doctor")).Status.ShouldNotBe(HttpStatusCode.OK); // not signed in
        await client.PostWithoutTokenAsync("/sign-in/Sam/support");

        (await client.GetAsync("/dead-letters")).Html.ShouldContain("href=\"/dead-letters/doctor\"");
        var page = await client.GetAsync("/dead-letters/doctor");
        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Html.ShouldContain("&lt;b&gt;prices does not survive a restart");
        page.Text.ShouldContain("Messages can be lost");
        page.Text.ShouldContain("Remedy: Declare it durable");
        page.Text.ShouldContain("Rule transient-queue");
        mounted.Problems.ShouldBeEmpty();
    }

    private static async Task<IChannel> ConsumeAsync(CheckedHost host, string queue, Func<IChannel, BasicDeliverEventArgs, ValueTask> handle)
    {
        var channel = await host.Orders.VirtualHost.OpenChannelAsync();
        await channel.BasicQosAsync(0, 1, global: false);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) => await handle(channel, delivery);
        await channel.BasicConsumeAsync(queue, autoAck: false, consumer);
        return channel;
    }
}
