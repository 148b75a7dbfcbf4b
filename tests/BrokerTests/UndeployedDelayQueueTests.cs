using System.Collections.Concurrent;
using System.Net;
using System.Text;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Consumers that run with new <c>Redelivery__Delays</c> before the topology is deployed again.</summary>
public sealed class UndeployedDelayQueueTests
{
    private const int Deferred = 13; // fewer than a process handles at once, so that the other messages get through
    private const int Good = 30;

    [Theory]
    [InlineData("00:00:03", new[] { "00:00:01", "00:00:03" }, "send-gif-email_delay_1s", true)]
    [InlineData("00:00:01", new[] { "00:00:02" }, "send-gif-email_delay_2s", false)]
    public async Task Missing_delay_queue_is_named_by_the_readiness_check_and_no_message_or_mail_is_lost(string deployed, string[] delays, string missing, bool hasOtherDelayQueue)
    {
        await using var system = await WorkinItSystem.CreateAsync();
        system.Settings["Redelivery__Delays__0"] = deployed;
        await system.PrepareAsync();
        for (var i = 0; i < delays.Length; i++)
            system.Settings[$"Redelivery__Delays__{i}"] = delays[i];
        var (web, consumers) = (system.NewWeb(), system.NewConsumers());
        await Task.WhenAll(web.StartAsync(), consumers.StartAsync("live"));
        var asked = new ConcurrentDictionary<string, int>();
        system.Mail.OnMail = mail =>
        {
            if (mail.Recipient is not { } recipient)
                return null;
            var times = asked.AddOrUpdate(recipient, 1, (_, before) => before + 1);
            return recipient.StartsWith("never", StringComparison.Ordinal) || (times == 1 && recipient.StartsWith("later", StringComparison.Ordinal))
                ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 451, "4.7.1 come back later") : SmtpBehaviour.Accept;
        };

        await SeeNotReadyAsync(consumers, missing);
        var never = await WorkinItSystem.SubmitAsync(web, "never@example.com", "never");
        for (var i = 0; i < Deferred; i++)
            await WorkinItSystem.SubmitAsync(web, $"later{i}@example.com", "later");
        for (var i = 0; i < Good; i++)
            await WorkinItSystem.SubmitAsync(web, $"good{i}@example.com", "now");

        await system.SeeMailsAsync(Good);
        await Eventually.SeeAsync(() => asked.Count == Good + Deferred + 1, "the mail server was asked about every recipient");
        if (hasOtherDelayQueue)
            await system.SeeMailsAsync(Good + Deferred);
        else
            await Task.Delay(TimeSpan.FromSeconds(2)); // long enough to notice a loop or a dead letter
        await SeeNotReadyAsync(consumers, missing);
        system.Mail.MailCount.ShouldBe(hasOtherDelayQueue ? Good + Deferred : Good);

        await system.DeployAsync();
        await consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(60));
        await system.SeeMailsAsync(Good + Deferred);

        // never@example.com has used all its attempts. It is the only dead letter, and its reason is the failed mail, not the missing queue.
        await system.SeeReadyAsync("send-gif-email_error", 1);
        var dead = (await system.VirtualHost.TakeAllAsync("send-gif-email_error")).ShouldHaveSingleItem();
        dead.BasicProperties.MessageId.ShouldBe(never.ToString());
        Encoding.UTF8.GetString((byte[])dead.BasicProperties.Headers!["MT-Fault-Message"]!).ShouldContain("451 4.7.1");
        system.Mail.DeliveriesById.Count.ShouldBe(Good + Deferred);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
        asked.ShouldAllBe(one => one.Value == (one.Key.StartsWith("never", StringComparison.Ordinal) ? delays.Length + 1 : one.Key.StartsWith("later", StringComparison.Ordinal) ? 2 : 1));
    }

    private static Task<string> SeeNotReadyAsync(ServiceProcess consumers, string missing) => Eventually.SeeAsync(
        async () =>
        {
            using var answer = await consumers.Http.GetAsync("/health/ready");
            return answer.StatusCode == HttpStatusCode.ServiceUnavailable ? await answer.Content.ReadAsStringAsync() : $"{answer.StatusCode}";
        },
        text => text.Contains($"queue {missing}", StringComparison.Ordinal) && text.Contains("--deploy-topology", StringComparison.Ordinal), $"the readiness check names {missing}", TimeSpan.FromSeconds(20));
}
