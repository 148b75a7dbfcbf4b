using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

/// <summary>Each operation of the console once, in a browser.</summary>
[Trait("broker", "any")] // tests pages; the broker tests cover the queue operations on each version
public sealed partial class DeadLetterConsoleTests(Browser browser, DeadLetterSite site) : AtThePages(browser), IClassFixture<DeadLetterSite>
{
    private const string Queue = "/dead-letters/queues/" + DeadLetterSite.Errors;

    [Fact]
    public async Task Four_thousand_dead_letters_with_three_causes_are_shown_as_three_groups()
    {
        await site.FailAsync();
        (int Count, string Exception, string Reason)[] causes =
        [
            (2600, "MailDeferredException", "mail-{0}.example.com is unreachable (ConnectionRefused): check Smtp__Host, Smtp__Port and the mail server"),
            (1300, "TimeoutException", "It took {0} s"),
            (100, "MailRefusedException", "The recipient was refused: 550 5.1.1 No such mailbox: someone{0}@example.com"),
        ];
        foreach (var (count, exception, reason) in causes)
        {
            for (var put = 0; put < count; put += 100)
            {
                var text = string.Format(CultureInfo.InvariantCulture, reason, 30 + (put / 100));
                await Testbed.DeadLetterPages.PutAsync(site.System.VirtualHost, DeadLetterSite.Errors, """{"email":"someone@example.com"}""", exception, text, count: 100);
            }
        }
        await site.System.SeeReadyAsync(DeadLetterSite.Errors, 4000);

        var visit = await VisitAsync(at: site.Web.Address);
        await site.SignInAsync(visit, Queue);

        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("4,000 dead letters of send-gif-email with 3 causes.");
        foreach (var (count, exception, _) in causes)
            await Assertions.Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = string.Create(CultureInfo.InvariantCulture, $"{count:N0} {exception}") })).ToBeVisibleAsync();
        await visit.ShouldLookRightAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cause_is_replayed_after_a_dry_run_with_progress_and_outcome(bool script)
    {
        await site.FailAsync("dan@wrong.example", "ann@full.example", "bob@full.example", "cyd@full.example");
        var sent = site.System.Mail.MailCount;
        var visit = await VisitAsync(at: site.Web.Address, script: script);
        await site.SignInAsync(visit, Queue);
        // Both replies of the mail server are thrown in the same place, so they are one cause with two texts.
        var cause = visit.Page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "4 " });
        await cause.GetByText("2 texts").ClickAsync();
        await cause.GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = "Mailbox full" }).ClickAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("1 to 3 of 3 that match");
        await visit.ClickAsync("Replay all that match…");

        await visit.SeeHeadingAsync("Replay: 3");
        site.IsMended = true;
        await visit.Page.GetByLabel("Canary").CheckAsync();
        if (script)
            await visit.PictureAsync("replay", height: 700);
        await visit.ClickAsync("Replay 3");

        await visit.SeeHeadingAsync("3 of 3 replayed: 3 handled");
        await site.System.SeeMailsAsync(sent + 3);
        await site.System.SeeReadyAsync(DeadLetterSite.Errors, 1);
        visit.ShouldBeUntroubled();
    }

    [Fact]
    public async Task Dead_letter_with_a_wrong_address_is_edited_and_one_mail_arrives_at_the_right_one()
    {
        await site.FailAsync("jane@wrong.example");
        var visit = await VisitAsync(at: site.Web.Address);
        await site.SignInAsync(visit, Queue + "/letters");
        await visit.Page.GetByRole(AriaRole.Rowheader).GetByRole(AriaRole.Link).ClickAsync();
        await Assertions.Expect(visit.Page.Locator("pre").First).ToContainTextAsync("j…@w…");
        await visit.PictureAsync("dead-letter", height: 1000);
        await visit.ClickAsync("Edit and replay…");

        var field = visit.Page.GetByLabel("as JSON");
        var message = await field.InputValueAsync();
        message.ShouldContain("jane@wrong.example");
        await field.FillAsync(message.Replace("\"jane@wrong.example\"", "jane@right.example", StringComparison.Ordinal));
        await visit.ClickAsync("Show changes");
        await Assertions.Expect(visit.Notice).ToContainTextAsync("not valid JSON");
        await visit.ShouldLookRightAsync();
        await field.FillAsync(message.Replace("jane@wrong.example", "jane@right.example", StringComparison.Ordinal));
        await visit.ClickAsync("Show changes");
        await visit.SeeHeadingAsync("Edit and replay");
        await Assertions.Expect(visit.Page.Locator("del")).ToContainTextAsync("jane@wrong.example");
        await Assertions.Expect(visit.Page.Locator("ins")).ToContainTextAsync("jane@right.example");
        await visit.ShouldLookRightAsync();
        await visit.ClickAsync("Edit and replay");

        await visit.SeeHeadingAsync("1 of 1 replayed: 1 handled");
        await Testbed.Eventually.SeeAsync(() => site.System.Mail.Mails.Any(mail => mail.Recipient == "jane@right.example"), "a mail to jane@right.example");
        site.System.Mail.Mails.Count(mail => mail.Recipient is "jane@right.example" or "jane@wrong.example").ShouldBe(1);

        await visit.Page.GotoAsync("/dead-letters/audit");
        var entry = visit.Page.GetByRole(AriaRole.Rowgroup).Filter(new LocatorFilterOptions { HasText = "edit 1 by operator" }).First;
        await Assertions.Expect(entry.Locator("pre")).ToContainTextAsync("j…@w…");
        await entry.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Reveal" }).ClickAsync();
        await Assertions.Expect(visit.Page.Locator("del")).ToContainTextAsync("jane@wrong.example");
        await Assertions.Expect(visit.Page.Locator("ins")).ToContainTextAsync("jane@right.example");
        await visit.ShouldLookRightAsync();
    }

    [Fact]
    public async Task Discarded_dead_letter_can_be_restored_and_found()
    {
        var ids = await site.FailAsync("eve@wrong.example", "fay@wrong.example");
        var visit = await VisitAsync(at: site.Web.Address);
        await site.SignInAsync(visit, Queue + "/letters");
        await visit.Page.GetByRole(AriaRole.Checkbox, new PageGetByRoleOptions { NameRegex = SelectOne() }).First.CheckAsync();
        await visit.ClickAsync("Discard selected…");
        await visit.SeeHeadingAsync("Discard: 1");
        await visit.ClickAsync("Discard 1");
        await visit.SeeHeadingAsync("Discarded 1");
        await site.System.SeeReadyAsync("send-gif-email_discarded", 1);
        await site.System.SeeReadyAsync(DeadLetterSite.Errors, 1);

        await visit.Page.GotoAsync("/dead-letters/find");
        await visit.Page.GetByLabel("Find a message").FillAsync($"{ids[0]:N}");
        await Testbed.Eventually.SeeAsync(
            async () =>
            {
                await visit.Page.GotoAsync($"/dead-letters/find?id={ids[0]:N}");
                return await visit.Page.GetByRole(AriaRole.Main).InnerTextAsync();
            },
            text => text.Contains("In send-gif-email_discarded", StringComparison.Ordinal),
            "the search page finds the message in send-gif-email_discarded");
        await visit.ShouldLookRightAsync();

        await visit.Page.GotoAsync("/dead-letters/queues/send-gif-email_discarded");
        await visit.ClickAsync("Restore");
        await visit.SeeHeadingAsync("Restore: 1");
        await visit.ClickAsync("Restore 1");
        await visit.SeeHeadingAsync("Restored 1");
        await site.System.SeeReadyAsync(DeadLetterSite.Errors, 2);
        visit.ShouldBeUntroubled();
    }

    [Fact]
    public async Task Long_replay_shows_its_progress_and_can_be_cancelled()
    {
        await site.FailAsync("gil@wrong.example");
        await Testbed.DeadLetterPages.PutAsync(site.System.VirtualHost, DeadLetterSite.Errors, """{"email":"x@wrong.example"}""", "System.TimeoutException", "It took 30 s", count: 200);
        var visit = await VisitAsync(at: site.Web.Address);
        await site.SignInAsync(visit, Queue);
        await visit.ClickAsync("Replay these 200…");
        await visit.SeeHeadingAsync("Replay: 200");
        await visit.Page.GetByLabel("Pace").FillAsync("fast");
        await visit.ClickAsync("Replay 200");
        await Assertions.Expect(visit.Notice).ToContainTextAsync("is not a valid number of messages per second");
        await visit.Page.GoBackAsync();
        await visit.Page.GetByLabel("Pace").FillAsync("5");
        await visit.ClickAsync("Replay 200");
        await visit.SeeHeadingAsync("Replay in progress");
        var done = visit.Page.Locator("[data-part=done]");
        await Assertions.Expect(done).ToHaveTextAsync(TwoDigits());
        var before = await visit.Page.EvaluateAsync<string>("JSON.stringify([...document.querySelectorAll('h1, progress, dd, button')].map(e => Math.round(e.getBoundingClientRect().top)))");
        await visit.ShouldLookRightAsync();
        var seen = await done.TextContentAsync();
        await Assertions.Expect(done).Not.ToHaveTextAsync(seen!); // updates without a reload
        (await visit.Page.EvaluateAsync<string>("JSON.stringify([...document.querySelectorAll('h1, progress, dd, button')].map(e => Math.round(e.getBoundingClientRect().top)))")).ShouldBe(before);
        await visit.ClickAsync("Cancel");
        await visit.SeeHeadingAsync(" of 200 replayed: ");
        await Assertions.Expect(visit.Notice).ToContainTextAsync("Cancelled: messages that were not moved are still in the queue");
        visit.ShouldBeUntroubled();
        await site.System.SeeReadyAsync(DeadLetterSite.Errors, 201); // wait until the replayed messages have failed again, before the next test adds its own
    }

    /// <summary>The application that mounts the pages may set a stricter Content-Security-Policy, or may be down for a long time.</summary>
    [Theory]
    [InlineData(true, "Content-Security-Policy forbids it")]
    [InlineData(false, "has not answered for a minute")]
    public async Task Page_that_cannot_follow_an_operation_says_why_and_offers_to_reload(bool forbidden, string why)
    {
        await site.FailAsync("kim@full.example", "lou@full.example");
        site.IsMended = true;
        var visit = await VisitAsync(at: site.Web.Address);
        await site.SignInAsync(visit, Queue);
        await visit.ClickAsync("Replay these 2…");
        await visit.SeeHeadingAsync("Replay: 2");
        await visit.Page.GetByLabel("Pace").FillAsync("0.05");
        await visit.ClickAsync("Replay 2");
        await visit.SeeHeadingAsync("in progress");
        var hint = visit.Page.Locator("[data-reload]");
        if (forbidden)
        {
            await visit.Page.RouteAsync("**/operations/*", async route =>
            {
                var page = await route.FetchAsync();
                var headers = page.Headers.ToDictionary(header => header.Key, header => header.Value);
                headers["content-security-policy"] = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'";
                await route.FulfillAsync(new RouteFulfillOptions { Response = page, Headers = headers });
            });
            await visit.Page.ReloadAsync();
        }
        else
        {
            await visit.Page.Clock.InstallAsync();
            await visit.Page.ReloadAsync();
            await Assertions.Expect(hint).ToBeHiddenAsync();
            await visit.Page.Context.SetOfflineAsync(true);
            await Testbed.Eventually.SeeAsync(
                async () =>
                {
                    await visit.Page.Clock.RunForAsync(10_000);
                    return await hint.IsVisibleAsync();
                },
                seen => seen, "the page shows its reload hint");
            await visit.Page.Context.SetOfflineAsync(false);
        }

        await Assertions.Expect(hint).ToContainTextAsync(why);
        await visit.Page.UnrouteAllAsync();
        await hint.GetByRole(AriaRole.Link, new LocatorGetByRoleOptions { Name = "Reload" }).ClickAsync();
        await visit.SeeHeadingAsync("in progress");
        await Assertions.Expect(hint).ToBeHiddenAsync();
        await visit.ClickAsync("Cancel");
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Each_dead_letter_page_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        var ids = await site.FailAsync("hal@full.example", "ida@wrong.example", "joe@wrong.example");
        await Testbed.DeadLetterPages.PutAsync(
            site.System.VirtualHost, DeadLetterSite.Errors, """{"email":"x@wrong.example","nested":{"list":[1,"two"]}}""", "System.TimeoutException", $"It took 30 s {new string('w', 150)}");
        var visit = await VisitAsync(scheme, width, at: site.Web.Address);
        await visit.Page.GotoAsync(Queue);
        await visit.ShouldLookRightAsync(); // the sign-in page
        await site.SignInAsync(visit, Queue);
        var deadLetter = (await visit.Page.GetByRole(AriaRole.Region).First.GetByRole(AriaRole.Link).First.GetAttributeAsync("href"))!;
        foreach (var path in new[]
        {
            "/dead-letters", Queue, Queue + "/letters", Queue + "/letters?exception=nothing", deadLetter, "/dead-letters/find", $"/dead-letters/find?id={ids[0]}",
            "/dead-letters/audit", "/dead-letters/audit?queue=" + DeadLetterSite.Errors, "/dead-letters/queues/nowhere_error",
        })
        {
            await visit.Page.GotoAsync(path);
            await visit.ShouldLookRightAsync();
            await SaveScreenshotAsync(visit, path, scheme, width);
        }
        await visit.Page.GotoAsync(Queue + "/letters");
        await visit.Page.GetByText("Filter", new PageGetByTextOptions { Exact = true }).First.ClickAsync();
        await visit.ShouldLookRightAsync();
        await visit.Page.GotoAsync(deadLetter);
        await visit.ClickAsync("Reveal");
        await visit.ShouldLookRightAsync();
        await visit.Page.GotoAsync(Queue);
        await visit.ClickAsync("Replay all 4…");
        await visit.SeeHeadingAsync("Replay: 4");
        await visit.ShouldLookRightAsync();
        await SaveScreenshotAsync(visit, "dry-run", scheme, width);
        site.IsMended = true;
        await visit.ClickAsync("Replay 4");
        await visit.SeeHeadingAsync("4 of 4 replayed");
        await visit.ShouldLookRightAsync();
        await SaveScreenshotAsync(visit, "outcome", scheme, width);
    }

    // Screenshots for reviewing a change of the style, saved in the folder that WORKINIT_TEST_LOOKS names.
    private static async Task SaveScreenshotAsync(Visit visit, string name, ColorScheme scheme, int width)
    {
        if (Environment.GetEnvironmentVariable("WORKINIT_TEST_LOOKS") is { Length: > 0 } folder)
            await visit.ScreenshotAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, $"{string.Concat(name.Select(c => char.IsLetterOrDigit(c) ? c : '_'))}.{scheme}.{width}.png"));
    }

    [GeneratedRegex("^Select ")]
    private static partial Regex SelectOne();

    [GeneratedRegex(@"^\d\d$")]
    private static partial Regex TwoDigits();
}
