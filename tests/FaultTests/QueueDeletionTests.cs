using System.Collections.Concurrent;
using System.Globalization;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>Deletes the queues of a running system, one after the other.</summary>
[Trait(Scale.Form, Scale.LongOnly)]
public sealed class QueueDeletionTests(ReliabilityTable table)
{
    // send-gif-email_error comes first, before it holds a dead letter: a dead letter that an operator deletes with its queue is lost.
    private static readonly string[] _queues =
    [
        "send-gif-email_error", "send-gif-email_skipped", "send-gif-email_suspect", "send-gif-email_delay_1s", "send-gif-email_delay_2s", "send-gif-email",
        "submission-status", "submission-status_error", "submission-status_skipped",
    ];

    [Fact]
    public async Task No_mail_is_lost_when_each_queue_is_deleted_with_its_messages_and_redeployed_under_load()
    {
        await using var run = await FaultRun.StartAsync(
            $"{_queues.Length} queues deleted in turn under load, each brought back by --deploy-topology", table, ("Submissions__MissingAfter", "00:00:10"));
        var attempts = new ConcurrentDictionary<string, int>();
        var refusesSome = false;
        run.System.Mail.OnMail = mail =>
        {
            if (mail.Recipient is not { } recipient)
                return null;
            var number = int.Parse(recipient["somebody".Length..recipient.IndexOf('@', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
            var attempt = attempts.AddOrUpdate(recipient, 1, (_, before) => before + 1);
            return (number % 20) switch
            {
                0 when Volatile.Read(ref refusesSome) => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown"),
                5 when attempt == 1 => SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted"),
                _ => SmtpBehaviour.Accept,
            };
        };
        var load = run.LoadAsync(pause: TimeSpan.FromMilliseconds(40));
        await Eventually.SeeAsync(() => run.AcceptedSoFar >= 100, "100 submissions accepted");

        await using (var channel = await run.System.VirtualHost.OpenChannelAsync())
        {
            foreach (var queue in _queues)
            {
                await channel.QueueDeleteAsync(queue);
                Volatile.Write(ref refusesSome, true);
                await Task.Delay(TimeSpan.FromSeconds(3)); // duration of the fault
                await run.System.DeployAsync();
                await Task.WhenAll(run.Web.SeeReadyAsync(true, TimeSpan.FromSeconds(60)), run.Consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(60)));
            }
        }
        await load;

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.Held.ShouldBe(0, tally.ToString());
        tally.DeadLettered.ShouldBe(attempts.Keys.Count(recipient => run.System.Mail.Mails.All(mail => mail.Recipient != recipient)), tally.ToString());
        attempts.Values.Max().ShouldBeLessThanOrEqualTo(2, "a missing queue must not cause another delivery attempt");
    }
}
