using System.Globalization;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

public sealed class DeliveryFailureTests
{
    /// <summary>A retry can meet the circuit breaker that its own failure opened. That must not count as a message that was never tried.</summary>
    [Fact]
    public async Task Mails_that_used_all_attempts_while_the_mail_server_is_down_are_dead_lettered()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync(
            ("Smtp__Port", $"{Ports.TakeFree()}"), ("Retry__Limit", "1"), ("Redelivery__Delays__0", "00:00:01"));
        await using var s = system;
        for (var i = 0; i < 20; i++)
            await WorkinItSystem.SubmitAsync(web, $"jane{i}@example.com", "is anybody there?");

        await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("send-gif-email_error"), ready => ready >= 3, "at least three dead letters", TimeSpan.FromMinutes(2)); // the circuit breaker tests the server every 8 s
    }

    [Fact]
    public async Task Mails_that_are_not_tried_during_an_outage_wait_in_the_first_delay_and_use_no_try()
    {
        const int count = 60;
        var (system, _, consumers) = await WorkinItSystem.StartAsync(
            ("Smtp__Port", $"{Ports.TakeFree()}"), ("Retry__Limit", "0"), ("Redelivery__Delays__0", "00:10:00"), ("Redelivery__Delays__1", "00:20:00"), ("Redelivery__Delays__2", "00:30:00"));
        await using var s = system;
        await using (var channel = await system.VirtualHost.OpenChannelAsync(confirms: true))
        {
            for (var number = 0; number < count; number++)
                await PublishAsync(channel, redeliveries: 1);
        }

        await Eventually.SeeAsync(
            async () => await system.VirtualHost.ReadyAsync("send-gif-email_delay_10m") + await system.VirtualHost.ReadyAsync("send-gif-email_delay_20m"),
            ready => ready == count, $"{count} messages in the delay queues");
        consumers.Log.ShouldContain("keeps failing");
        var notTried = await RedeliveriesAsync("send-gif-email_delay_10m");
        var tried = await RedeliveriesAsync("send-gif-email_delay_20m");
        notTried.ShouldNotBeEmpty();
        notTried.ShouldAllBe(redeliveries => redeliveries == "1");
        tried.Count.ShouldBeGreaterThanOrEqualTo(8); // after so many failures the circuit breaker opens
        tried.ShouldAllBe(redeliveries => redeliveries == "2");

        async Task<IReadOnlyList<string>> RedeliveriesAsync(string queue) =>
            [.. (await system.VirtualHost.TakeAllAsync(queue)).Select(message => JsonSerializer.Deserialize<JsonElement>(message.Body.Span).GetProperty("headers").GetProperty("MT-Redelivery-Count").ToString())];
    }

    private static async Task PublishAsync(IChannel channel, int redeliveries)
    {
        var id = Guid.CreateVersion7();
        var command = $$$"""
            {"messageId":"{{{id}}}","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"headers":{"MT-Redelivery-Count":{{{redeliveries}}}},"message":
            {"submissionId":"{{{id}}}","emailAddress":"jane@example.com","thought":"is anybody there?","submittedAt":"{{{DateTimeOffset.UtcNow:O}}}"}}
            """;
        var properties = new BasicProperties { MessageId = $"{id}", ContentType = "application/vnd.masstransit+json", Persistent = true };
        await channel.BasicPublishAsync("WorkinIt.Contracts:SendGifEmail", "", mandatory: true, properties, Encoding.UTF8.GetBytes(command));
    }

    [Fact]
    public async Task Mail_that_failed_transiently_is_retried_and_sent_once()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync();
        await using var s = system;
        var attempts = 0;
        system.Mail.OnMail = _ => Interlocked.Increment(ref attempts) == 1 ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 busy") : SmtpBehaviour.Accept;

        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "patience");

        await system.SeeMailsAsync(1);
        attempts.ShouldBe(2);
        (await system.VirtualHost.ReadyAsync("send-gif-email_error")).ShouldBe(0);
    }

    [Fact]
    public async Task Permanent_failure_is_tried_once_dead_lettered_with_its_reason_and_logged_with_its_submission_id()
    {
        var (system, web, consumers) = await WorkinItSystem.StartAsync(("Logging__Format", "Json"));
        await using var s = system;
        var attempts = 0;
        system.Mail.OnMail = _ =>
        {
            Interlocked.Increment(ref attempts);
            return SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 <{recipient}>: user unknown");
        };

        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "nobody home");

        await system.SeeReadyAsync("send-gif-email_error", 1);
        attempts.ShouldBe(1);
        var dead = (await system.VirtualHost.TakeAllAsync("send-gif-email_error")).ShouldHaveSingleItem();
        dead.BasicProperties.MessageId.ShouldBe(id.ToString());
        var reason = Encoding.UTF8.GetString((byte[])dead.BasicProperties.Headers!["MT-Fault-Message"]!);
        reason.ShouldContain("550 5.1.1");
        foreach (var header in dead.BasicProperties.Headers)
            Encoding.UTF8.GetString(header.Value as byte[] ?? []).ShouldNotContain("jane");

        var fromWeb = await SeeLinesAsync(web, id, "Accepted");
        fromWeb.ShouldContain(line => line.ContainsKey("@tr") && line.ContainsKey("@sp"));
        var fromConsumers = await SeeLinesAsync(consumers, id, "R-FAULT");
        fromConsumers.ShouldContain(line => line["SourceContext"].GetString()!.StartsWith("MassTransit", StringComparison.Ordinal));
        fromWeb.Concat(fromConsumers).ShouldAllBe(line => line.ContainsKey("SubmissionId") && line["SubmissionId"].GetGuid() == id);
        system.Logs.ShouldNotContain("jane");
        system.Logs.ShouldNotContain("nobody home");
    }

    /// <summary>Waits until the log contains a text, then returns the lines with the submission's id in any property.</summary>
    private static async Task<IReadOnlyList<Dictionary<string, JsonElement>>> SeeLinesAsync(ServiceProcess service, Guid id, string text)
    {
        await Eventually.SeeAsync(() => service.Log.Contains(text, StringComparison.Ordinal), $"the log contains {text}");
        return [.. service.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!)
            .Where(line => line.Values.Any(value => value.ToString().Contains(id.ToString(), StringComparison.OrdinalIgnoreCase)))];
    }

    [Fact]
    public async Task Unreadable_message_is_dead_lettered_and_other_messages_are_processed()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync();
        await using var s = system;
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        foreach (var (type, body) in new[] { ("text/plain", "hello"), ("application/vnd.masstransit+json", "{}"), ("application/vnd.masstransit+json", "{ \"message"), ("application/vnd.masstransit+json", "") })
        {
            var properties = new BasicProperties { ContentType = type, MessageId = Guid.CreateVersion7().ToString() };
            await channel.BasicPublishAsync("send-gif-email", "", mandatory: true, properties, Encoding.UTF8.GetBytes(body));
        }
        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "in between");

        await system.SeeMailsAsync(1);
        await Eventually.SeeAsync(
            async () => await system.VirtualHost.ReadyAsync("send-gif-email_error") + await system.VirtualHost.ReadyAsync("send-gif-email_skipped"), ready => ready == 4, "all four messages are in a dead-letter queue");
        (await system.VirtualHost.ReadyAsync("send-gif-email")).ShouldBe(0);
    }

    [Theory]
    [InlineData("ack_requeue_true")]
    [InlineData("reject_requeue_true")]
    public async Task Reading_dead_or_delayed_messages_never_loses_them(string ackMode)
    {
        var (system, web, _) = await WorkinItSystem.StartAsync(("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        await using var s = system;
        system.Mail.OnMail = mail => mail.Recipient switch
        {
            null => null,
            "dead@example.com" => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown"),
            _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted"),
        };
        await WorkinItSystem.SubmitAsync(web, "dead@example.com", "look at me");
        await WorkinItSystem.SubmitAsync(web, "delayed@example.com", "and at me");
        await system.SeeReadyAsync("send-gif-email_error", 1);
        await system.SeeReadyAsync("send-gif-email_delay_10m", 1);

        for (var read = 0; read < 100; read++)
        {
            (await system.VirtualHost.LookAsync("send-gif-email_error", ackMode)).GetArrayLength().ShouldBe(1);
            (await system.VirtualHost.LookAsync("send-gif-email_delay_10m", ackMode)).GetArrayLength().ShouldBe(1);
        }

        // The messages of the last read may still be on their way back.
        await system.SeeReadyAsync("send-gif-email_error", 1);
        await system.SeeReadyAsync("send-gif-email_delay_10m", 1);
        (await system.VirtualHost.ReadyAsync("send-gif-email")).ShouldBe(0);
    }

    /// <summary>How long its sender let a command wait must not remove it from one of our queues.</summary>
    [Theory]
    [InlineData("450 4.2.0 greylisted", "send-gif-email_delay_10m")]
    [InlineData("550 5.1.1 user unknown", "send-gif-email_error")]
    public async Task Command_with_an_expiration_is_kept_without_one_and_persistent(string reply, string queue)
    {
        var (system, _, _) = await WorkinItSystem.StartAsync(("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        await using var s = system;
        system.Mail.OnMail = _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, int.Parse(reply[..3], CultureInfo.InvariantCulture), reply[4..]);
        var (id, now) = (Guid.CreateVersion7(), DateTimeOffset.UtcNow);
        var command = $$$"""
            {"messageId":"{{{id}}}","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"expirationTime":"{{{now.AddMinutes(-1):O}}}","message":
            {"submissionId":"{{{id}}}","emailAddress":"jane@example.com","thought":"no hurry","submittedAt":"{{{now:O}}}"}}
            """;
        await using (var channel = await system.VirtualHost.OpenChannelAsync(confirms: true))
        {
            await channel.BasicPublishAsync("WorkinIt.Contracts:SendGifEmail", "", mandatory: true, new BasicProperties
            {
                MessageId = $"{id}",
                ContentType = "application/vnd.masstransit+json",
                Expiration = "600000",
                Persistent = false,
            }, Encoding.UTF8.GetBytes(command));
        }

        await system.SeeReadyAsync(queue, 1);
        var kept = (await system.VirtualHost.TakeAllAsync(queue)).ShouldHaveSingleItem().BasicProperties;
        kept.IsExpirationPresent().ShouldBeFalse();
        kept.Persistent.ShouldBeTrue();
    }

    [Fact]
    public async Task Greylisted_mail_is_delayed_once_sent_once_and_its_status_shows_the_next_attempt()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync(("Redelivery__Delays__0", "00:00:10"));
        await using var s = system;
        var greylisted = true;
        system.Mail.OnMail = _ => greylisted ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 451, "4.7.1 come back later") : SmtpBehaviour.Accept;
        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "who are you");

        var delayed = await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, id), status => status.State == "delayed", "the submission is delayed");
        greylisted = false;
        delayed.NextTryAt.ShouldNotBeNull().ShouldBeInRange(delayed.AcceptedAt, delayed.AcceptedAt.AddSeconds(30));
        delayed.Attempts.ShouldBe(1); // a deferred mail is not retried in place

        var sent = await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, id), status => status.State == "sent", "the submission is sent");
        sent.Attempts.ShouldBe(2);
        sent.NextTryAt.ShouldBeNull();
        system.Mail.DeliveriesById.Values.ShouldBe([1]);
    }

    [Fact]
    public async Task Mail_that_used_all_delays_is_dead_lettered_and_its_status_says_failed()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync(
            ("Redelivery__Delays__0", "00:00:01"), ("Redelivery__Delays__1", "00:00:02"), ("Retry__Limit", "0"));
        await using var s = system;
        system.Mail.OnMail = _ => SmtpBehaviour.Reply(SmtpStage.Mail, 452, "4.3.1 disk full");

        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "no room");

        await system.SeeReadyAsync("send-gif-email_error", 1);
        var failed = await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, id), status => status.State == "failed", "the submission has failed");
        failed.Attempts.ShouldBe(3);
    }

    [Fact]
    public async Task Mail_without_a_reply_to_its_data_is_held_and_never_sent_again_automatically()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync(("Redelivery__Delays__0", "00:00:01"));
        await using var s = system;
        system.Mail.Next(SmtpBehaviour.CutAfterDot);

        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "was it sent?");

        await system.SeeReadyAsync("send-gif-email_error", 1);
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, id), status => status.State == "held", "the submission is held");
        var dead = (await system.VirtualHost.TakeAllAsync("send-gif-email_error")).ShouldHaveSingleItem();
        Encoding.UTF8.GetString((byte[])dead.BasicProperties.Headers!["MT-Fault-Message"]!).ShouldContain($"Message-ID {id:N}");
        system.Mail.DeliveriesById.Values.ShouldBe([1]);
        system.Mail.MailCount.ShouldBe(0);
    }
}
