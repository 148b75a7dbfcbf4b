using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

public sealed class EndToEndTests
{
    [Fact]
    public async Task Thought_from_the_form_arrives_as_one_mail_and_its_page_says_sent()
    {
        var (system, web, consumers) = await WorkinItSystem.StartAsync();
        await using var _ = system;

        using var response = await WorkinItSystem.SubmitFormAsync(web, "jane@example.com", "Monday coffee\nשלום 😀 <b>");

        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        await system.SeeMailsAsync(1);
        system.Mail.Mails.ShouldHaveSingleItem().Recipient.ShouldBe("jane@example.com");
        await Eventually.SeeAsync(() => web.Http.GetStringAsync(response.Headers.Location), page => page.Contains(">Sent</h1>", StringComparison.Ordinal), "the page shows Sent");
        await consumers.StopAsync();
        await web.StopAsync();
        system.Logs.ShouldNotContain("jane@example.com");
        system.Logs.ShouldNotContain("Monday coffee");
    }

    [Fact]
    public async Task Submissions_wait_while_no_consumer_runs_and_are_then_mailed_once_each()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var web = system.NewWeb();
        await web.StartAsync();

        for (var i = 0; i < 100; i++)
            await WorkinItSystem.SubmitAsync(web, $"person{i}@example.com", $"thought {i}");
        await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("send-gif-email"), ready => ready >= 100, "all submissions are in the queue"); // possibly more than once: a publish that is not confirmed within 3 s is repeated
        system.Mail.MailCount.ShouldBe(0);

        await system.NewConsumers().StartAsync();
        await system.SeeMailsAsync(100);
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.MailsById.Values.ShouldAllBe(mails => mails == 1);
        system.Mail.Mails.Select(mail => mail.Recipient).Distinct().Count().ShouldBe(100);
    }

    [Fact]
    public async Task Submission_accepted_before_the_topology_exists_is_published_once_it_is_deployed()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.MigrateAsync();
        var web = system.NewWeb();
        await web.StartAsync("live");
        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "too early");
        await Eventually.SeeAsync(() => web.Log.Contains("is not confirmed by the broker", StringComparison.Ordinal), "the broker did not confirm the publish");

        await system.DeployAsync();
        await system.NewConsumers().StartAsync();

        await system.SeeMailsAsync(1);
    }

    [Fact]
    public async Task The_same_form_posted_twenty_times_at_once_is_one_mail()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync();
        await using var s = system;
        var form = await WorkinItSystem.OpenFormAsync(web);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => form.PostAsync(web, "jane@example.com", "again and again")));

        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.SeeOther);
        answers.Select(answer => answer.Headers.Location).Distinct().ShouldHaveSingleItem();
        await system.SeeMailsAsync(1);
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.DeliveriesById.Values.ShouldBe([1]);
    }
}
