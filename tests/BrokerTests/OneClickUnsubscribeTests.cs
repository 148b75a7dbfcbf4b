using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Unsubscribes by the link in the mail that the mail server received.</summary>
[Trait("broker", "any")] // tests unsubscribing; EndToEndTests covers the broker on each version
public sealed partial class OneClickUnsubscribeTests
{
    [Fact]
    public async Task One_click_unsubscribe_stops_all_mail_to_the_recipient_until_it_is_undone()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync();
        await using var s = system;

        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "the first");
        await system.SeeMailsAsync(1);
        var mail = Encoding.ASCII.GetString(system.Mail.Mails.Single().Content.Span);
        mail.ShouldContain("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
        var link = new Uri(Link().Match(mail).Groups["link"].Value);
        link.Host.ShouldBe("workinit.example"); // OptOut__Url
        using (var click = await web.Http.PostAsync(link.AbsolutePath, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")])))
            click.StatusCode.ShouldBe(HttpStatusCode.OK);

        var blocked = await WorkinItSystem.SubmitAsync(web, "Jane+again@example.com", "the second");
        var status = await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, blocked), it => it.State == "failed", "the second submission failed");
        status.Detail.ShouldStartWith("This address doesn’t accept mail from us");
        await WorkinItSystem.SubmitAsync(web, "john@example.com", "somebody else");
        await system.SeeMailsAsync(2);
        system.Mail.Mails.Select(it => it.Recipient).ShouldBe(["jane@example.com", "john@example.com"]);
        (await system.VirtualHost.ReadyAsync("send-gif-email")).ShouldBe(0);
        (await system.VirtualHost.ReadyAsync("send-gif-email_error")).ShouldBe(0);
        (await system.VirtualHost.ReadyAsync("send-gif-email_skipped")).ShouldBe(0);
        (await system.VirtualHost.ReadyAsync("submission-status_error")).ShouldBe(0);
        (await system.VirtualHost.ReadyAsync("submission-status_skipped")).ShouldBe(0);

        using (var lifted = await web.Http.PostAsync(link.AbsolutePath + "?handler=Lift", null))
            lifted.StatusCode.ShouldBe(HttpStatusCode.OK);
        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "the third");
        await system.SeeMailsAsync(3);
        system.Logs.ShouldNotContain("jane", Case.Insensitive);
        system.Logs.ShouldContain("A recipient allowed mail again");
        system.Logs.ShouldNotContain(link.Segments[^1]); // anyone who has the link can use it
    }

    [GeneratedRegex("\r\nList-Unsubscribe: <(?<link>[^>]+)>\r\n")]
    private static partial Regex Link();
}
