using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>
/// Deletes each queue, exchange and binding in turn while the services process one message of each kind: one is mailed, one delayed, one fails,
/// one has no consumer. Then the topology is restored. No message is lost or duplicated, and the mail server is not asked again.
/// </summary>
public sealed class TopologyDeletionTests(TopologyDeletionFixture fixture) : IClassFixture<TopologyDeletionFixture>
{
    private const string Event = "WorkinIt.Contracts:GifEmail";
    private const string Fault = "MassTransit:Fault--WorkinIt.Contracts:SendGifEmail--";

    public static TheoryData<string, string> Queues { get; } = new()
    {
        { "send-gif-email", "web" }, { "send-gif-email_error", "consumers" }, { "send-gif-email_skipped", "consumers" }, { "send-gif-email_suspect", "consumers" },
        { "send-gif-email_ledger", "consumers" },
        { "send-gif-email_delay_1s", "consumers" }, { "send-gif-email_delay_2s", "consumers" }, { "submission-status", "web" },
        { "submission-status_error", "web" }, { "submission-status_skipped", "web" },
    };

    public static TheoryData<string> Exchanges { get; } =
    [
        "WorkinIt.Contracts:SendGifEmail", "send-gif-email", "send-gif-email_move", "send-gif-email_dead", "send-gif-email_error", "send-gif-email_skipped",
        "submission-status", Event + "Sent", Event + "Delayed", Event + "Blocked", Fault,
    ];

    public static TheoryData<string, string, string> Bindings { get; } = new()
    {
        { "exchange send-gif-email", "WorkinIt.Contracts:SendGifEmail", "" }, { "queue send-gif-email", "send-gif-email", "" },
        { "queue send-gif-email_error", "send-gif-email_error", "" }, { "queue send-gif-email_error", "send-gif-email_dead", "" },
        { "queue send-gif-email_skipped", "send-gif-email_skipped", "" }, { "queue send-gif-email_suspect", "send-gif-email_move", "send-gif-email_suspect" },
        { "queue send-gif-email_delay_1s", "send-gif-email_move", "send-gif-email_delay_1s" }, { "queue submission-status", "submission-status", "" },
        { "exchange submission-status", Event + "Sent", "" }, { "exchange submission-status", Event + "Delayed", "" },
        { "exchange submission-status", Event + "Blocked", "" }, { "exchange submission-status", Fault, "" },
    };

    [Theory]
    [InlineData("send-gif-email_error", "consumers")]
    [InlineData("send-gif-email_skipped", "consumers")]
    public Task Deleted_dead_letter_queue_loses_no_message_and_is_named_by_the_readiness_check(string queue, string user) =>
        fixture.DeleteAndRestoreAsync(channel => channel.QueueDeleteAsync(queue), $"queue {queue}", user);

    [Theory]
    [MemberData(nameof(Queues))]
    [Trait("form", "long")]
    public Task Deleted_queue_loses_no_message_and_is_named_by_the_readiness_check(string queue, string user) =>
        fixture.DeleteAndRestoreAsync(channel => channel.QueueDeleteAsync(queue), $"queue {queue}", user);

    [Theory]
    [MemberData(nameof(Exchanges))]
    [Trait("form", "long")]
    public Task Deleted_exchange_loses_no_message(string exchange) =>
        fixture.DeleteAndRestoreAsync(channel => channel.ExchangeDeleteAsync(exchange), null, null, mostAsked: 2);

    [Theory]
    [MemberData(nameof(Bindings))]
    [Trait("form", "long")]
    public Task Deleted_binding_loses_no_message(string destination, string source, string key) =>
        fixture.DeleteAndRestoreAsync(
            channel => destination.StartsWith("queue ", StringComparison.Ordinal)
                ? channel.QueueUnbindAsync(destination["queue ".Length..], source, key)
                : channel.ExchangeUnbindAsync(destination["exchange ".Length..], source, key),
            null, null);

    [Fact]
    [Trait("form", "long")]
    public Task Deployment_restores_the_complete_topology_while_the_services_run() => fixture.DeleteAndRestoreAsync(
        async channel =>
        {
            foreach (var queue in Queues)
                await channel.QueueDeleteAsync(queue.Data.Item1);
            foreach (var exchange in Exchanges)
                await channel.ExchangeDeleteAsync(exchange.Data);
        },
        "queue send-gif-email_error", "consumers", fixture.System.DeployAsync, mostAsked: 2);
}

/// <summary>A running system whose topology the tests break and restore.</summary>
public sealed class TopologyDeletionFixture : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, int> _asked = new();
    private string _definitions = "";
#pragma warning disable CA2213 // the system disposes of its services
    private ServiceProcess _web = null!;
    private ServiceProcess _consumers = null!;
#pragma warning restore CA2213

    public WorkinItSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        (System, _web, _consumers) = await WorkinItSystem.StartAsync(
            ("Redelivery__Delays__0", "00:00:01"), ("Redelivery__Delays__1", "00:00:02"), ("Retry__Limit", "0"));
        System.Mail.OnMail = mail => mail.Recipient is not { } recipient ? null
            : _asked.AddOrUpdate(recipient, 1, (_, times) => times + 1) is var times && recipient.StartsWith("dead", StringComparison.Ordinal)
                ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown")
            : recipient.StartsWith("later", StringComparison.Ordinal) && times == 1 ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted")
            : SmtpBehaviour.Accept;
        _definitions = (await System.VirtualHost.ManagementAsync("definitions/{vhost}")).GetRawText();
    }

    public ValueTask DisposeAsync() => System.DisposeAsync();

    /// <summary>Breaks the topology while messages arrive, checks what readiness reports, restores the topology, and counts the messages.</summary>
    /// <param name="breakIt">Deletes part of the topology, as the RabbitMQ user operator.</param>
    /// <param name="missing">What the readiness check must name as missing; null if only a message shows that it is missing.</param>
    /// <param name="user">The service whose readiness check must name it: web or consumers.</param>
    /// <param name="restore">Restores the topology; by default, imports the definitions that the broker had at the start.</param>
    /// <param name="mostAsked">
    /// How often the mail server may be asked about a recipient that it refuses. Two if an exchange of an event is missing: MassTransit 8.5.12 stops
    /// the consumers' channel 10 s later, so messages in flight return to their queue. No mail is sent twice: the ledger knows which mails were sent.
    /// </param>
    public async Task DeleteAndRestoreAsync(Func<IChannel, Task> breakIt, string? missing, string? user, Func<Task>? restore = null, int mostAsked = 1)
    {
        await Task.WhenAll(_web.SeeReadyAsync(true, TimeSpan.FromSeconds(60)), _consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(60)));
        var name = Guid.NewGuid().ToString("N")[..8];
        await using var channel = await System.VirtualHost.OpenChannelAsync();

        await breakIt(channel);
        var unknown = PublishUnknownAsync(name);
        var (good, later, dead) = (await SubmitAsync("good"), await SubmitAsync("later"), await SubmitAsync("dead"));
        if (missing is not null)
        {
            var service = user == "web" ? _web : _consumers;
            await Eventually.SeeAsync(async () => await ReadyAsync(service), text => text.Contains(missing, StringComparison.Ordinal) && text.Contains("--deploy-topology", StringComparison.Ordinal), $"the readiness check names {missing}");
        }
        // Long enough to notice a loop: an earlier version asked the mail server a hundred times in two seconds.
        await Task.Delay(TimeSpan.FromSeconds(2));
        await (restore ?? RestoreAsync)();
        await unknown;

        await SeeStateAsync(good, "sent");
        await SeeStateAsync(later, "sent");
        await SeeStateAsync(dead, "failed");
        (await SeeLettersAsync("send-gif-email_error", letter => letter.MessageId == $"{dead}" || letter.MessageId == $"{good}" || letter.MessageId == $"{later}"))
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

    // Collects all matching messages. A duplicate is noticed, because it arrives soon after the first one.
    private async Task<IReadOnlyList<IReadOnlyBasicProperties>> SeeLettersAsync(string queue, Func<IReadOnlyBasicProperties, bool> which)
    {
        var seen = new List<IReadOnlyBasicProperties>();
        await Eventually.SeeAsync(
            async () =>
            {
                seen.AddRange((await System.VirtualHost.TakeAllAsync(queue)).Select(letter => letter.BasicProperties).Where(which));
                return seen.Count;
            },
            count => count == 1, $"one message in {queue}", TimeSpan.FromSeconds(45));
        return seen;
    }

    private static string Text(IReadOnlyBasicProperties letter, string header) =>
        letter.Headers?.TryGetValue(header, out var value) == true ? value is byte[] text ? Encoding.UTF8.GetString(text) : Convert.ToString(value, CultureInfo.InvariantCulture)! : "";

    private static async Task<string> ReadyAsync(ServiceProcess service)
    {
        using var answer = await service.Http.GetAsync("/health/ready");
        return answer.StatusCode == HttpStatusCode.ServiceUnavailable ? await answer.Content.ReadAsStringAsync() : "";
    }

    private async Task RestoreAsync()
    {
        using var definitions = JsonDocument.Parse(_definitions);
        (await System.Broker.Management.PostAsJsonAsync($"/api/definitions/{System.VirtualHost.Name}", definitions.RootElement)).EnsureSuccessStatusCode();
    }
}
