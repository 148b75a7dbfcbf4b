using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

[Trait("broker", "any")] // tests pages
public sealed class SubmissionPageTests(Browser browser, States states) : AtThePages(browser), IClassFixture<States>
{
    public static TheoryData<string, string, string> Words => new()
    {
        { "accepted", "It’s on its way", "Your thought is stored" },
        { "queued", "It’s on its way", "is in the queue or being processed" },
        { "delayed", "It takes a little longer", "The next try is at" },
        { "sent", "Sent", "The mail server accepted it at" },
        { "failed", "It could not be sent", "We couldn’t deliver your GIF" },
        { "held", "We are checking", "it may have arrived" },
    };

    [Theory]
    [MemberData(nameof(Words))]
    public async Task Each_submission_state_is_shown_in_plain_words_is_accessible_and_fits_the_screen(string state, string heading, string detail)
    {
        foreach (var (scheme, width) in new[] { (ColorScheme.Light, 320), (ColorScheme.Dark, 320), (ColorScheme.Light, 1200), (ColorScheme.Dark, 1200) })
        {
            var visit = await VisitAsync(scheme, width, at: states.Web.Address);
            (await visit.Page.GotoAsync($"/submissions/{states[state]}"))!.Status.ShouldBe(200);
            await Assertions.Expect(visit.Heading).ToHaveTextAsync(heading);
            await Assertions.Expect(visit.Status).ToContainTextAsync(detail);
            await Assertions.Expect(visit.Page.Locator("[data-part=placeholder]")).ToHaveTextAsync(state == "failed" ? "No GIF was mailed." : "Your GIF shows here once it is mailed.");
            (await visit.Page.TitleAsync()).ShouldStartWith(heading);
            await visit.ShouldLookRightAsync();
            if (width == 320)
                await visit.StateAsync(state, scheme);
        }
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Form_and_submission_page_say_when_to_retry_while_the_store_is_unavailable(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width, at: states.Broken.Address);
        await visit.OpenFormAsync();
        (await visit.SendAsync("away@example.com", "a thought that must not be lost")).ShouldBe(503);
        await Assertions.Expect(visit.Notice).ToContainTextAsync("Send this form again in a few seconds");
        await Assertions.Expect(visit.Thought).ToHaveValueAsync("a thought that must not be lost");
        await visit.ShouldLookRightAsync();
        if (width == 320)
            await visit.StateAsync("form-503", scheme);

        var answer = (await visit.Page.GotoAsync($"/submissions/{Guid.CreateVersion7()}"))!;
        (answer.Status, answer.Headers["retry-after"]).ShouldBe((503, "10"));
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Temporarily unavailable");
        await visit.ShouldLookRightAsync();
        if (width == 320)
            await visit.StateAsync("error-503", scheme);
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Form_over_the_submission_limit_says_when_to_retry_and_keeps_the_thought(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width, at: states.Limited.Address);
        for (var status = 303; status == 303;)
        {
            await visit.OpenFormAsync();
            status = await visit.SendAsync("many@example.com", "one of many");
        }
        await Assertions.Expect(visit.Notice).ToContainTextAsync("Too many thoughts in a short time. This one was not sent: try again in ");
        await Assertions.Expect(visit.Thought).ToHaveValueAsync("one of many");
        await visit.ShouldLookRightAsync();
        if (width == 320)
            await visit.StateAsync("form-429", scheme);
    }

    [Fact]
    public async Task Sign_in_page_explains_a_wrong_password_too_many_attempts_and_an_outage()
    {
        // Only at phone width: the tests of the dead-letter pages check the page at other widths.
        var (day, night) = (await VisitAsync(ColorScheme.Light, 320, at: states.Web.Address), await VisitAsync(ColorScheme.Dark, 320, at: states.Web.Address));
        await SignInAsync(day, ColorScheme.Light, "sign-in-401", 401, "Wrong RabbitMQ user or password");
        await SignInAsync(night, ColorScheme.Dark, "sign-in-401", 401, "Wrong RabbitMQ user or password");
        await SignInAsync(day, ColorScheme.Light, "sign-in-429", 429, "Too many attempts. Wait ");
        await SignInAsync(night, ColorScheme.Dark, "sign-in-429", 429, "Too many attempts. Wait ");

        var broken = await VisitAsync(ColorScheme.Light, 320, at: states.Broken.Address);
        await SignInAsync(broken, ColorScheme.Light, "sign-in-503", 503, "management API does not answer");
    }

    private static async Task SignInAsync(Visit visit, ColorScheme scheme, string state, int status, string message)
    {
        int seen;
        while ((seen = await SignInAsync(visit)) != status)
            seen.ShouldBe(401); // repeats until the limit per minute is reached; on a slow machine, a minute may end between two states
        await Assertions.Expect(visit.Notice).ToContainTextAsync(message);
        await visit.ShouldLookRightAsync();
        await visit.StateAsync(state, scheme);
    }

    private static async Task<int> SignInAsync(Visit visit)
    {
        await visit.Page.GotoAsync("/dead-letters/sign-in");
        await visit.Page.GetByLabel("RabbitMQ user").FillAsync("nobody");
        await visit.Page.GetByLabel("Password").FillAsync("wrong");
        return await visit.PostAsync(() => visit.ClickAsync("Sign in"));
    }

    [Fact]
    public async Task Open_submission_page_changes_to_sent_after_a_replay_without_a_reload_or_layout_shift()
    {
        var (system, web, _) = await WorkinItSystem.StartAsync();
        await using var s = system;
        system.Mail.OnMail = mail => mail.Recipient is null ? null : SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "No such mailbox");
        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "patience");
        var visit = await VisitAsync(width: 320, at: web.Address);
        await visit.Page.GotoAsync($"/submissions/{id}");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("It could not be sent", new LocatorAssertionsToHaveTextOptions { Timeout = 60_000 });
        // Wait until the new state is painted; it is in the DOM before that.
        await visit.Page.EvaluateAsync("() => new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(painted))))");
        await visit.Page.EvaluateAsync("() => { window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => window.moved += entry.value)).observe({ type: 'layout-shift', buffered: false }); }");

        system.Mail.OnMail = null;
        (await OperatorCommand.Of(system).RunAsync("dead-letters", "replay", "--queue", "send-gif-email_error", "--all", "--yes")).Code.ShouldBe(0);

        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Sent", new LocatorAssertionsToHaveTextOptions { Timeout = 60_000 });
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Img).Last).ToBeVisibleAsync();
        (await visit.Page.EvaluateAsync<double>("() => window.moved")).ShouldBe(0);
        await visit.ShouldLookRightAsync();
    }

    /// <summary>By its specification, EventSource stops after any status other than 200. While Web restarts, a proxy in front of it returns such a status.</summary>
    [Fact]
    public async Task Open_submission_page_reconnects_after_a_proxy_returned_502()
    {
        var visit = await VisitAsync(at: states.Web.Address);
        var requests = 0;
        await visit.Page.RouteAsync("**/events", route => Interlocked.Increment(ref requests) == 1 ? route.FulfillAsync(new RouteFulfillOptions { Status = 502 }) : route.ContinueAsync());
        await visit.Page.GotoAsync($"/submissions/{states["delayed"]}");

        await Eventually.SeeAsync(() => Task.FromResult(requests), seen => seen >= 2, "a second request for the events");
    }

    [Fact]
    public async Task RabbitMQ_management_UI_shows_the_submissions_in_their_queues()
    {
        var management = await VisitAsync(width: 1200, height: 620);
        await management.Page.GotoAsync(TestBroker.Required("WORKINIT_TEST_MANAGEMENT"));
        await management.Page.FillAsync("input[name=username]", "operator");
        await management.Page.FillAsync("input[name=password]", "operator");
        await management.Page.ClickAsync("input[type=submit]");
        await management.Page.ClickAsync("a[href='#/queues']");
        await management.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "send-gif-email", Exact = true }).First.WaitForAsync(); // otherwise the page, which is still loading, would undo the selection
        await management.Page.SelectOptionAsync("#show-vhost", states.System.VirtualHost.Name);
        foreach (var (queue, messages) in new[] { ("send-gif-email", 1), ("send-gif-email_delay_10m", 1), ("send-gif-email_error", 2) })
        {
            // Identified by its link: until the selection is applied, the page also shows queues with these names of other virtual hosts.
            var row = management.Page.GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions
            {
                Has = management.Page.Locator($"a[href='#/queues/{states.System.VirtualHost.Name}/{queue}']"),
            });
            // The broker updates its statistics every 5 seconds.
            await Assertions.Expect(row).ToContainTextAsync($"{messages}\t0\t{messages}", new LocatorAssertionsToContainTextOptions { UseInnerText = true, Timeout = 30_000 });
        }
        await management.PictureAsync("management");
    }
}
