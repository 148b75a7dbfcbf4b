using System.Text;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>WorkinIt's own Consumers, with the permissions of their RabbitMQ user.</summary>
public sealed class ConsumersReportTests
{
    [Fact]
    public async Task Consumers_report_a_replayed_submission_as_delayed_until_it_comes_back_and_then_as_handled()
    {
        var (system, _, _) = await WorkinItSystem.StartAsync(("Retry__Limit", "0"), ("Redelivery__Delays__0", "00:00:02"));
        await using var s = system;
        await using var listener = new ReportListener(system.VirtualHost);
        await listener.StartAsync();
        var attempts = 0;
        system.Mail.OnMail = _ => Interlocked.Increment(ref attempts) == 1 ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 busy") : SmtpBehaviour.Accept;
        await ReplayAsync(system, "op1.1");

        var reports = await listener.ReportsOfAsync("op1.1", 4);

        reports.Select(report => report.Kind).ShouldBe(["taken", "delayed", "taken", "handled"]);
        reports.ShouldAllBe(report => report.Queue == "send-gif-email" && report.Json.GetProperty("application").GetString() == "WorkinIt.Consumers");
        (reports[1].Until!.Value - reports[1].Json.GetProperty("at").GetDateTimeOffset()).TotalSeconds.ShouldBeInRange(1, 2);
        reports[3].Consumer.ShouldBe("WorkinIt.Consumers.GifEmails.SendGifEmailConsumer");
        system.Logs.ShouldNotContain("not reported");
    }

    [Fact]
    public async Task Consumers_report_a_replayed_submission_that_is_refused_as_failed()
    {
        var (system, _, _) = await WorkinItSystem.StartAsync();
        await using var s = system;
        await using var listener = new ReportListener(system.VirtualHost);
        await listener.StartAsync();
        system.Mail.OnMail = _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown");
        await ReplayAsync(system, "op1.1");

        var reports = await listener.ReportsOfAsync("op1.1", 2);

        reports.Select(report => report.Kind).ShouldBe(["taken", "failed"]);
        (await system.VirtualHost.ReadyAsync("send-gif-email_error")).ShouldBe(1);
    }

    private static async Task ReplayAsync(WorkinItSystem system, string replayId)
    {
        var id = Guid.CreateVersion7();
        var command = $$$"""
            {"messageId":"{{{id}}}","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"message":
            {"submissionId":"{{{id}}}","emailAddress":"jane@example.com","thought":"is anybody there?","submittedAt":"{{{DateTimeOffset.UtcNow:O}}}"}}
            """;
        var properties = new BasicProperties
        {
            MessageId = $"{id}",
            ContentType = "application/vnd.masstransit+json",
            Persistent = true,
            Headers = new Dictionary<string, object?> { ["Replay-Id"] = replayId, ["Replay-By"] = "jane", ["Replay-Count"] = 1 },
        };
        await using var channel = await system.VirtualHost.OpenChannelAsync(confirms: true);
        await channel.BasicPublishAsync("send-gif-email", "", mandatory: true, properties, Encoding.UTF8.GetBytes(command));
    }
}
