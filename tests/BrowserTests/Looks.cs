using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

public sealed class Looks(Browser browser)
{
    public static TheoryData<ColorScheme, int> Screens => new()
    {
        { ColorScheme.Light, 320 }, { ColorScheme.Dark, 320 }, { ColorScheme.Light, 1200 }, { ColorScheme.Dark, 1200 },
    };

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task The_form_is_accessible_and_fits(ColorScheme scheme, int width)
    {
        await using var visit = await browser.VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        await ShouldLookRightAsync(visit);
        await visit.SendAsync("", new string('x', 501));
        await ShouldLookRightAsync(visit);
    }

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task A_submission_and_a_page_that_is_not_there_are_accessible_and_fit(ColorScheme scheme, int width)
    {
        await using var visit = await browser.VisitAsync(scheme, width);
        await visit.OpenFormAsync();
        await visit.SendAsync($"looks{scheme}{width}@example.com", "how does it look?");
        await ShouldLookRightAsync(visit);
        await visit.Page.GotoAsync($"/submissions/{Guid.NewGuid()}");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Nothing here");
        await ShouldLookRightAsync(visit);
    }

    [Fact]
    public async Task A_delayed_submission_shows_its_next_try_and_the_operator_sees_it_in_its_queue()
    {
        await using var visit = await browser.VisitAsync();
        var catcher = TestBroker.Required("WORKINIT_TEST_CATCHER");
        await RunAsync(catcher, "stop");
        try
        {
            await visit.OpenFormAsync();
            await visit.SendAsync("delayed@example.com", "patience");
            await Eventually.SeeAsync(
                async () =>
                {
                    await visit.Page.ReloadAsync();
                    return await visit.Page.GetByRole(AriaRole.Status).TextContentAsync();
                },
                text => text!.Contains("The next try is at", StringComparison.Ordinal),
                "the next try is shown");
            await ShouldLookRightAsync(visit);
        }
        finally
        {
            await RunAsync(catcher, "start");
        }

        await using var desk = await browser.VisitAsync(width: 1200, height: 620);
        await desk.Page.GotoAsync(TestBroker.Required("WORKINIT_TEST_MANAGEMENT"));
        await desk.Page.FillAsync("input[name=username]", "operator");
        await desk.Page.FillAsync("input[name=password]", "operator");
        await desk.Page.ClickAsync("input[type=submit]");
        await desk.Page.ClickAsync("a[href='#/queues']");
        await desk.Page.GetByRole(AriaRole.Combobox).First.WaitForAsync();
        await desk.Page.SelectOptionAsync("#show-vhost", browser.System.VirtualHost.Name);
        // By its address: until the choice takes hold, the page shows other virtual hosts' queues of this name too.
        await Assertions.Expect(desk.Page.Locator($"a[href='#/queues/{browser.System.VirtualHost.Name}/send-gif-email_delay_10m']")).ToBeVisibleAsync();
        await desk.PictureAsync("management");
    }

    private static async Task ShouldLookRightAsync(Visit visit)
    {
        await visit.ShouldBeAccessibleAsync();
        await visit.ShouldNotScrollSidewaysAsync();
        visit.ShouldBeUntroubled();
    }

    private static async Task RunAsync(string catcher, string verb)
    {
        using var process = System.Diagnostics.Process.Start(catcher, [verb, TestBroker.Required("WORKINIT_TEST_CATCHER_DIR")]);
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0);
    }
}
