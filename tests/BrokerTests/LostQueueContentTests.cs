using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A queue is purged, or deleted together with its messages.</summary>
public sealed class LostQueueContentTests
{
    private const string Input = "send-gif-email";
    private const string Delay = "send-gif-email_delay_1s";

    [Fact]
    public async Task Submissions_whose_messages_were_purged_or_deleted_with_their_queue_are_mailed_once()
    {
        const int count = 20;
        await using var system = await WorkinItSystem.CreateAsync();
        system.Settings["Submissions__MissingAfter"] = "00:00:04";
        system.Settings["Redelivery__Delays__0"] = "00:00:01";
        await system.PrepareAsync();
        var web = system.NewWeb();
        await web.StartAsync();

        // The input queue is deleted; a deployment restores the topology while Web runs.
        await SubmitAsync(web, "deleted", count);
        await system.SeeReadyAsync(Input, count);
        await using (var channel = await system.VirtualHost.OpenChannelAsync())
            await channel.QueueDeleteAsync(Input, ifUnused: false, ifEmpty: false);
        await system.DeployAsync();

        // The input queue is purged.
        await SubmitAsync(web, "purged", count);
        await Eventually.SeeAsync(
            async () =>
            {
                await using var channel = await system.VirtualHost.OpenChannelAsync();
                return await channel.QueuePurgeAsync(Input);
            }, purged => purged > 0, "at least one message was purged");

        var deferred = true;
        system.Mail.OnMail = mail => deferred && mail.Recipient?.StartsWith("delayed", StringComparison.Ordinal) == true ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted") : null;
        await system.NewConsumers().StartAsync();
        await system.SeeMailsAsync(2 * count, TimeSpan.FromSeconds(90));

        // A delay queue is purged.
        var delayed = await WorkinItSystem.SubmitAsync(web, "delayed@example.com", "delayed");
        await Eventually.SeeAsync(
            async () =>
            {
                await using var channel = await system.VirtualHost.OpenChannelAsync();
                return await channel.QueuePurgeAsync(Delay);
            }, purged => purged == 1, "the delayed message was purged");
        deferred = false;
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, delayed), status => status.State == "sent", "the purged submission is sent", TimeSpan.FromSeconds(90));

        await system.SeeReadyAsync(Input, 0);
        system.Mail.DeliveriesById.Count.ShouldBe(2 * count + 1);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    private static Task SubmitAsync(ServiceProcess web, string name, int count) =>
        Parallel.ForAsync(0, count, async (i, _) => await WorkinItSystem.SubmitAsync(web, $"{name}{i}@example.com", $"{name} {i}"));
}
