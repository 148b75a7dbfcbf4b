using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>
/// Deletes each queue, exchange and binding in turn while the services process one message of each kind: one is mailed, one delayed, one fails,
/// one has no consumer. Then the topology is restored. No message is lost or duplicated, and the mail server is not asked again.
/// </summary>
public sealed class TopologyDeletionTests(TopologyDeletionFixture fixture) : IClassFixture<TopologyDeletionFixture>
{
    public static TheoryData<string> Queues { get; } = [.. DeclaredTopology.Queues];

    public static TheoryData<string> Exchanges { get; } = [.. DeclaredTopology.Exchanges];

    public static TheoryData<string, string, string> Bindings { get; } = new(DeclaredTopology.Bindings);

    [Fact]
    public void Deployment_creates_exactly_the_queues_exchanges_and_bindings_that_these_tests_delete() => SeeComplete(fixture.Definitions);

    [Theory]
    [InlineData(QueueTopology.ErrorQueue)]
    [InlineData(QueueTopology.SkippedQueue)]
    public Task Deleted_dead_letter_queue_loses_no_message_and_is_named_by_the_readiness_check(string queue) =>
        fixture.DeleteAndRestoreAsync(channel => channel.QueueDeleteAsync(queue), queue);

    [Theory]
    [MemberData(nameof(Queues))]
    [Trait("form", "long")]
    public Task Deleted_queue_loses_no_message_and_is_named_by_the_readiness_check(string queue) =>
        fixture.DeleteAndRestoreAsync(channel => channel.QueueDeleteAsync(queue), queue);

    [Theory]
    [MemberData(nameof(Exchanges))]
    [Trait("form", "long")]
    public Task Deleted_exchange_loses_no_message(string exchange) =>
        fixture.DeleteAndRestoreAsync(channel => channel.ExchangeDeleteAsync(exchange), null, mostAsked: 2);

    [Theory]
    [MemberData(nameof(Bindings))]
    [Trait("form", "long")]
    public Task Deleted_binding_loses_no_message(string destination, string source, string key) =>
        fixture.DeleteAndRestoreAsync(
            channel => destination.StartsWith("queue ", StringComparison.Ordinal)
                ? channel.QueueUnbindAsync(destination["queue ".Length..], source, key)
                : channel.ExchangeUnbindAsync(destination["exchange ".Length..], source, key),
            null);

    [Fact]
    [Trait("form", "long")]
    public async Task Deployment_restores_the_complete_topology_while_the_services_run()
    {
        await fixture.DeleteAndRestoreAsync(
            async channel =>
            {
                foreach (var queue in DeclaredTopology.Queues)
                    await channel.QueueDeleteAsync(queue);
                foreach (var exchange in DeclaredTopology.Exchanges)
                    await channel.ExchangeDeleteAsync(exchange);
            },
            QueueTopology.ErrorQueue, fixture.System.DeployAsync, mostAsked: 2);
        SeeComplete(await fixture.System.VirtualHost.ManagementAsync("definitions/{vhost}"));
    }

    private static void SeeComplete(JsonElement definitions)
    {
        All("queues", queue => Text(queue, "name")).ShouldBe(DeclaredTopology.Queues, ignoreOrder: true);
        All("exchanges", exchange => Text(exchange, "name")).ShouldBe(DeclaredTopology.Exchanges, ignoreOrder: true);
        All("bindings", binding => $"{Text(binding, "destination_type")} {Text(binding, "destination")}, {Text(binding, "source")}, {Text(binding, "routing_key")}")
            .ShouldBe(DeclaredTopology.Bindings.Select(binding => $"{binding.Destination}, {binding.Source}, {binding.Key}"), ignoreOrder: true);

        IEnumerable<string> All(string list, Func<JsonElement, string> name) => definitions.GetProperty(list).EnumerateArray().Select(name);
        static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
    }
}

/// <summary>What the deployment declares for the delays of 1 s and 2 s, from the lists that the services' readiness checks use.</summary>
internal static class DeclaredTopology
{
    // MassTransit declares it in addition: the exchange of all faults, to which no queue is bound. The exchange of reports has none either.
    private const string AllFaults = "MassTransit:Fault";

    public static UsedTopology Web { get; } = QueueTopology.UsedByWeb;

    public static UsedTopology Consumers { get; } =
        QueueTopology.UsedByConsumers(new DelaySteps([.. new[] { 1, 2 }.Select(seconds => DelayQueues.Name(TimeSpan.FromSeconds(seconds)))]));

    public static IReadOnlyList<string> Queues { get; } = [.. Web.Queues.Union(Consumers.Queues)];

    /// <summary>Each queue has an exchange of the same name in front of it.</summary>
    public static IReadOnlyList<string> Exchanges { get; } = [.. Web.Exchanges.Union(Consumers.Exchanges).Union(Queues).Append(AllFaults).Append(QueueTopology.ReportExchange)];

    /// <summary>The destination, as "queue NAME" or "exchange NAME"; the source; the routing key.</summary>
    public static IReadOnlyList<(string Destination, string Source, string Key)> Bindings { get; } =
    [
        .. Queues.Select(queue => ($"queue {queue}", queue, "")),
        .. Consumers.Queues.Except([QueueTopology.InputQueue, QueueTopology.ErrorQueue, QueueTopology.SkippedQueue, QueueTopology.StatusQueue])
            .Select(queue => ($"queue {queue}", QueueTopology.MoveExchange, queue)),
        ($"queue {QueueTopology.ErrorQueue}", QueueTopology.DeadExchange, ""),
        .. Web.Exchanges.Where(IsMessageType).Select(type => ($"exchange {QueueTopology.InputQueue}", type, "")),
        .. Consumers.Exchanges.Where(IsMessageType).Select(type => ($"exchange {QueueTopology.StatusQueue}", type, "")),
        .. Consumers.Exchanges.Where(type => type.StartsWith(AllFaults, StringComparison.Ordinal) && IsMessageType(type)).Select(type => ($"exchange {AllFaults}", type, "")),
    ];

    // MassTransit names the exchange of a message type after its namespace and its name.
    private static bool IsMessageType(string exchange) => exchange.Contains(':', StringComparison.Ordinal) && exchange != QueueTopology.ProbeExchange;
}

/// <summary>A running system whose topology the tests break and restore.</summary>
public sealed class TopologyDeletionFixture : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, int> _asked = new();
#pragma warning disable CA2213 // the system disposes of its services
    private ServiceProcess _web = null!;
    private ServiceProcess _consumers = null!;
#pragma warning restore CA2213

    public WorkinItSystem System { get; private set; } = null!;

    /// <summary>The definitions that the broker had once the services were running.</summary>
    public JsonElement Definitions { get; private set; }

    public async ValueTask InitializeAsync()
    {
        (System, _web, _consumers) = await WorkinItSystem.StartAsync(
            ("Redelivery__Delays__0", "00:00:01"), ("Redelivery__Delays__1", "00:00:02"), ("Retry__Limit", "0"));
        System.Mail.OnMail = mail => mail.Recipient is not { } recipient ? null
            : _asked.AddOrUpdate(recipient, 1, (_, times) => times + 1) is var times && recipient.StartsWith("dead", StringComparison.Ordinal)
                ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown")
            : recipient.StartsWith("later", StringComparison.Ordinal) && times == 1 ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted")
            : SmtpBehaviour.Accept;
        Definitions = await System.VirtualHost.ManagementAsync("definitions/{vhost}");
    }

    public ValueTask DisposeAsync() => System.DisposeAsync();

    /// <summary>Breaks the topology while messages arrive, checks what readiness reports, restores the topology, and counts the messages.</summary>
    /// <param name="breakIt">Deletes part of the topology, as the RabbitMQ user operator.</param>
    /// <param name="queue">The queue that is missing then: the readiness check of each service that uses it must name it. Null if only a message shows that something is missing.</param>
    /// <param name="restore">Restores the topology; by default, imports the definitions that the broker had at the start.</param>
    /// <param name="mostAsked">
    /// How often the mail server may be asked about a recipient that it refuses. Two if an exchange of an event is missing: MassTransit 8.5.12 stops
    /// the consumers' channel 10 s later, so messages in flight return to their queue. One that was just dead-lettered then has a second dead letter.
    /// No mail is sent twice: the ledger knows which mails were sent.
    /// </param>
    public async Task DeleteAndRestoreAsync(Func<IChannel, Task> breakIt, string? queue, Func<Task>? restore = null, int mostAsked = 1)
    {
        await Task.WhenAll(_web.SeeReadyAsync(true, TimeSpan.FromSeconds(60)), _consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(60)));
        var name = Guid.NewGuid().ToString("N")[..8];
        await using var channel = await System.VirtualHost.OpenChannelAsync();

        await breakIt(channel);
        var unknown = PublishUnknownAsync(name);
        var (good, later, dead) = (await SubmitAsync("good"), await SubmitAsync("later"), await SubmitAsync("dead"));
        if (queue is not null && DeclaredTopology.Web.Queues.Contains(queue))
            await SeeNamedAsync("Web", _web, queue);
        if (queue is not null && DeclaredTopology.Consumers.Queues.Contains(queue))
            await SeeNamedAsync("Consumers", _consumers, queue);
        // Long enough to notice a loop: an earlier version asked the mail server a hundred times in two seconds.
        await Task.Delay(TimeSpan.FromSeconds(2));
        await (restore ?? RestoreAsync)();
        await unknown;

        await SeeStateAsync(good, "sent");
        await SeeStateAsync(later, "sent");
        await SeeStateAsync(dead, "failed");
        (await SeeLettersAsync("send-gif-email_error", letter => letter.MessageId == $"{dead}" || letter.MessageId == $"{good}" || letter.MessageId == $"{later}", mostAsked))
            .ShouldAllBe(letter => letter.MessageId == $"{dead}" && Text(letter, "MT-Fault-Message").Contains("550 5.1.1", StringComparison.Ordinal));
        var skipped = await SeeLettersAsync("send-gif-email_skipped", letter => letter.CorrelationId == name);
        skipped.Single().IsExpirationPresent().ShouldBeFalse();
        Text(skipped.Single(), "Original-Expiration").ShouldBe("30000");
        skipped.Single().Persistent.ShouldBeTrue();
        System.Mail.DeliveriesById.Where(mail => mail.Key.StartsWith($"{good:N}", StringComparison.Ordinal) || mail.Key.StartsWith($"{later:N}", StringComparison.Ordinal))
            .Select(mail => mail.Value).ShouldBe([1, 1]);
        _asked[$"dead-{name}@example.com"].ShouldBeInRange(1, mostAsked);
        _asked[$"good-{name}@example.com"].ShouldBe(1);
        _asked[$"later-{name}@example.com"].ShouldBeInRange(2, 1 + mostAsked);

        Task<Guid> SubmitAsync(string kind) => WorkinItSystem.SubmitAsync(_web, $"{kind}-{name}@example.com", kind);
    }

    // Publishes like a client that repeats a publish until the broker confirms it.
    private async Task PublishUnknownAsync(string name) => await Eventually.SeeAsync(
        async () =>
        {
            await using var channel = await System.VirtualHost.OpenChannelAsync(confirms: true);
            await channel.BasicPublishAsync("send-gif-email", "", mandatory: true, Unknown(name), Encoding.UTF8.GetBytes("""{"messageType":["urn:message:Some:Thing"],"message":{}}"""));
            return true;
        },
        confirmed => confirmed, "a message of another type is confirmed");

    private static BasicProperties Unknown(string name) => new()
    {
        ContentType = "application/vnd.masstransit+json",
        CorrelationId = name,
        Expiration = "30000",
        DeliveryMode = DeliveryModes.Transient,
    };

    private async Task SeeStateAsync(Guid id, string state) =>
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(_web, id), status => status.State == state, $"the submission is {state}", TimeSpan.FromSeconds(40));

    // Collects all matching messages. One too many is noticed, because it arrives soon after the first one.
    private async Task<IReadOnlyList<IReadOnlyBasicProperties>> SeeLettersAsync(string queue, Func<IReadOnlyBasicProperties, bool> which, int most = 1)
    {
        var seen = new List<IReadOnlyBasicProperties>();
        await Eventually.SeeAsync(
            async () =>
            {
                seen.AddRange((await System.VirtualHost.TakeAllAsync(queue)).Select(letter => letter.BasicProperties).Where(which));
                return seen.Count;
            },
            count => count >= 1 && count <= most, $"one message in {queue}, or at most {most}", TimeSpan.FromSeconds(45));
        return seen;
    }

    private static string Text(IReadOnlyBasicProperties letter, string header) =>
        letter.Headers?.TryGetValue(header, out var value) == true ? value is byte[] text ? Encoding.UTF8.GetString(text) : Convert.ToString(value, CultureInfo.InvariantCulture)! : "";

    private static async Task<string> ReadyAsync(ServiceProcess service)
    {
        using var answer = await service.Http.GetAsync("/health/ready");
        return answer.StatusCode == HttpStatusCode.ServiceUnavailable ? await answer.Content.ReadAsStringAsync() : "";
    }

    private static async Task SeeNamedAsync(string name, ServiceProcess service, string queue) => await Eventually.SeeAsync(
        () => ReadyAsync(service),
        text => (text.Contains($"queue {queue},", StringComparison.Ordinal) || text.Contains($"queue {queue}. ", StringComparison.Ordinal)) && text.Contains("--deploy-topology", StringComparison.Ordinal),
        $"the readiness check of {name} names queue {queue}");

    private async Task RestoreAsync() =>
        (await System.Broker.Management.PostAsJsonAsync($"/api/definitions/{System.VirtualHost.Name}", Definitions)).EnsureSuccessStatusCode();
}
