using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>The board in a browser, over a catalogue without a broker.</summary>
[Trait("broker", "any")] // tests a catalogue without a broker
public sealed class BoardTests(Browser browser) : AtThePages(browser)
{
    private const string Board = "/dead-letters";

    public static TheoryData<ColorScheme, int> Sizes => new()
    {
        { ColorScheme.Light, 360 }, { ColorScheme.Dark, 360 }, { ColorScheme.Light, 1280 }, { ColorScheme.Dark, 1280 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Each_page_of_the_catalogue_is_accessible_and_fits_the_screen(ColorScheme scheme, int width)
    {
        await using var site = await CatalogueSite.StartAsync();
        var again = await CatalogueSample.FillAsync(site);
        var visit = await VisitAsync(scheme, width, at: site.Address);
        await visit.Page.GotoAsync($"{Board}/letters?q=id:{again}");
        var letter = (await visit.Page.Locator("[data-main]").First.GetAttributeAsync("href"))!;
        await visit.Page.GotoAsync(Board);
        var cause = (await visit.Page.Locator("[data-main]").First.GetAttributeAsync("href"))!;
        foreach (var (name, path) in new[]
        {
            ("board", Board), ("cause", cause), ("notifications", Board + "/notifications"), ("board-7d", Board + "?span=7d&sort=first"), ("board-filtered", Board + "?q=exception:Timeout"), ("board-none", Board + "?q=queue:nowhere"),
            ("letters", Board + "/letters"), ("letters-any", Board + "/letters?q=state:any+queue:%22orders_error%22"), ("letters-none", Board + "/letters?q=queue:nowhere"), ("letter", letter), ("audit", Board + "/audit"),
        })
        {
            await visit.Page.GotoAsync(path);
            await visit.ShouldLookRightAsync();
            await SaveAsync(visit, name, scheme, width);
        }
        await visit.Page.GotoAsync(Board);
        await visit.Page.GetByText("Filter by field").ClickAsync();
        await visit.ShouldLookRightAsync();
        await visit.Page.GetByLabel("Search", new PageGetByLabelOptions { Exact = true }).FillAsync("age:yesterday");
        await visit.ClickAsync("Search");
        await Assertions.Expect(visit.Notice).ToContainTextAsync("is not an age");
        await visit.ShouldLookRightAsync();
        await SaveAsync(visit, "board-error", scheme, width);
        await visit.Page.GotoAsync(Board);
        await visit.Page.Locator("[data-replay]").First.ClickAsync();
        await visit.SeeHeadingAsync("choose a queue");
        await visit.ShouldLookRightAsync();
        await SaveAsync(visit, "choose-queue", scheme, width);
        await visit.Page.GotoAsync(Board);
        await visit.Page.Keyboard.PressAsync("?");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await visit.ShouldBeAccessibleButForAsync(); // it lies over the page
        await SaveAsync(visit, "keys", scheme, width);
    }

    [Fact]
    public async Task Board_whose_connection_was_refused_connects_again()
    {
        await using var site = await CatalogueSite.StartAsync();
        var visit = await VisitAsync(width: 1280, at: site.Address);
        await visit.Page.Clock.InstallAsync();
        await visit.Page.RouteAsync("**/events", route => route.FulfillAsync(new RouteFulfillOptions { Status = 503 }), new PageRouteOptions { Times = 1 });
        await visit.Page.GotoAsync(Board);
        await Assertions.Expect(visit.Page.GetByText("Not live: connecting again")).ToBeVisibleAsync();

        await visit.Page.Clock.FastForwardAsync(15_000);

        await Assertions.Expect(visit.Page.GetByText("Live", new PageGetByTextOptions { Exact = true })).ToBeVisibleAsync();
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Pages_of_two_sources_are_accessible_fit_the_screen_and_show_the_source_of_each_queue(ColorScheme scheme, int width)
    {
        await using var site = await CatalogueSite.StartAsync(sources: "billing-europe");
        await CatalogueSample.FillAsync(site);
        await site.AddToAsync("billing-europe", Enumerable.Range(0, 40).Select(number => new FailedLetter { Queue = number % 3 == 0 ? "payments_error" : "orders_error", At = DateTimeOffset.UtcNow.AddMinutes(-number) }));
        await site.AddToAsync("billing-europe", new FailedLetter { Queue = "a-name-of-a-queue-that-is-longer-than-its-column_error", Exception = "Billing.RefusedException", Stack = null });
        await site.QueueAsync("orders_error", 26, source: "billing-europe");
        await site.QueueAsync("payments_error", 14, source: "billing-europe");
        var visit = await VisitAsync(scheme, width, at: site.Address);
        await visit.Page.GotoAsync($"{Board}/letters?q=source:billing-europe");
        await Assertions.Expect(visit.Page.Locator("tr[data-row] .where").Filter(new LocatorFilterOptions { HasText = "billing-europe" })).ToHaveCountAsync(41);
        var letter = (await visit.Page.Locator("[data-main]").First.GetAttributeAsync("href"))!;
        await visit.Page.GotoAsync(letter);
        var cause = (await visit.Page.GetByText("show all with this cause").GetAttributeAsync("href"))!;
        foreach (var (name, path) in new[]
        {
            ("sources-board", Board), ("sources-letters", Board + "/letters"), ("sources-letter", letter), ("sources-cause-letters", cause), ("sources-queues", Board + "/queues"), ("sources-refused", Board + "/letters?q=exception:Refused"),
        })
        {
            await visit.Page.GotoAsync(path);
            await Assertions.Expect(visit.Page.Locator("main :text('billing-europe'):visible").First).ToBeVisibleAsync();
            await visit.ShouldLookRightAsync();
            await SaveAsync(visit, name, scheme, width);
        }
        await visit.Page.GotoAsync(Board);
        await visit.Page.GetByText("Filter by field").ClickAsync();
        await visit.Page.GetByLabel("Source").SelectOptionAsync("billing-europe");
        await visit.ShouldLookRightAsync();
        await visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Filter", Exact = true }).ClickAsync();
        await Assertions.Expect(visit.Page.GetByLabel("Search", new PageGetByLabelOptions { Exact = true })).ToHaveValueAsync("source:billing-europe");
    }

    [Theory]
    [InlineData(360)]
    [InlineData(700)]
    [InlineData(768)]
    [InlineData(920)]
    [InlineData(940)]
    [InlineData(1024)]
    [InlineData(1210)]
    [InlineData(1230)]
    public async Task Names_of_causes_can_be_read_on_a_screen_of_any_width(int width)
    {
        await using var site = await CatalogueSite.StartAsync();
        await CatalogueSample.FillAsync(site);
        var visit = await VisitAsync(width: width, at: site.Address);
        foreach (var path in new[] { Board, Board + "/letters" })
        {
            await visit.Page.GotoAsync(path);
            await visit.ShouldLookRightAsync();
            (await visit.Page.EvaluateAsync<double>("Math.min(...[...document.querySelectorAll('th.what')].map(cell => cell.getBoundingClientRect().width))")).ShouldBeGreaterThan(230, path);
            await SaveAsync(visit, path == Board ? "board" : "letters", ColorScheme.Light, width);
        }
    }

    [Fact]
    public async Task Empty_and_unfinished_catalogues_say_so()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.QueueAsync("orders_error", 0);
        var visit = await VisitAsync(width: 1280, at: site.Address);
        await visit.Page.GotoAsync(Board);
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("All 1 dead-letter queues are empty");
        await visit.ShouldLookRightAsync();
        await SaveAsync(visit, "board-empty", ColorScheme.Light, 1280);

        await site.QueueAsync("orders_error", 60_000, walked: 34_120); // the open page sees it
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("being read: 34,120 of 60,000");
        await visit.ShouldLookRightAsync();
    }

    [Fact]
    public async Task New_failures_appear_while_ticks_focus_and_scroll_stay()
    {
        await using var site = await CatalogueSite.StartAsync();
        await CatalogueSample.FillAsync(site);
        var visit = await VisitAsync(width: 1280, height: 500, at: site.Address);
        await visit.Page.GotoAsync(Board);
        await Assertions.Expect(visit.Page.Locator("[data-live-state]")).ToHaveTextAsync("Live");
        await visit.PictureAsync("board", height: 800);
        await visit.Page.SetViewportSizeAsync(1280, 500);
        var row = visit.Page.GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { HasText = "JsonException" });
        await row.GetByRole(AriaRole.Checkbox).CheckAsync();
        await row.Locator("[data-main]").FocusAsync();
        await visit.Page.EvaluateAsync("window.scrollTo(0, 240)");
        await Assertions.Expect(visit.Page.Locator("[data-ticked]")).ToHaveTextAsync("1 selected");

        await site.AddAsync(Enumerable.Range(0, 5).Select(_ => new FailedLetter { Queue = "new_error", Exception = "Shop.NewException", Stack = null }));

        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("NewException");
        await Assertions.Expect(row.GetByRole(AriaRole.Checkbox)).ToBeCheckedAsync();
        await Assertions.Expect(row.Locator("[data-main]")).ToBeFocusedAsync();
        (await visit.Page.EvaluateAsync<int>("scrollY")).ShouldBe(240);
        await Assertions.Expect(visit.Page.Locator("[data-ticked]")).ToHaveTextAsync("1 selected");
        visit.ShouldBeUntroubled();
    }

    [Fact]
    public async Task Keys_move_tick_open_and_search()
    {
        await using var site = await CatalogueSite.StartAsync();
        await CatalogueSample.FillAsync(site);
        var visit = await VisitAsync(width: 1280, at: site.Address);
        await visit.Page.GotoAsync(Board);
        var keys = visit.Page.Keyboard;

        await keys.PressAsync("/");
        await Assertions.Expect(visit.Page.GetByLabel("Search", new PageGetByLabelOptions { Exact = true })).ToBeFocusedAsync();
        await keys.TypeAsync("jkx?"); // text, not commands
        await keys.PressAsync("Escape");
        var rows = visit.Page.Locator("[data-row]");
        await keys.PressAsync("j");
        await keys.PressAsync("j");
        await keys.PressAsync("j");
        await keys.PressAsync("k");
        await Assertions.Expect(rows.Nth(1).Locator("[data-main]")).ToBeFocusedAsync();
        await keys.PressAsync("x");
        await Assertions.Expect(rows.Nth(1).GetByRole(AriaRole.Checkbox)).ToBeCheckedAsync();
        await keys.PressAsync("r");
        await visit.SeeHeadingAsync("Replay 421: choose a queue");
        await visit.Page.GoBackAsync();
        await visit.Page.ReloadAsync();
        await keys.PressAsync("j");
        await keys.PressAsync("r"); // nothing is selected: the row
        await visit.SeeHeadingAsync("Replay 900: choose a queue");
        await visit.Page.GotoAsync(Board);
        await keys.PressAsync("j");
        await keys.PressAsync("Enter");
        await visit.SeeHeadingAsync("GatewayUnreachableException");
        await visit.Page.GoBackAsync();
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "List 900 GatewayUnreachableException" }).ClickAsync();
        await visit.SeeHeadingAsync("Dead letters");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("of 900");
        await keys.PressAsync("j");
        await keys.PressAsync("x");
        await Assertions.Expect(visit.Page.Locator("[data-ticked]")).ToHaveTextAsync("1 selected");
        visit.ShouldBeUntroubled();
    }

    [Fact]
    public async Task Everything_can_be_reached_without_a_script()
    {
        await using var site = await CatalogueSite.StartAsync();
        await CatalogueSample.FillAsync(site);
        var visit = await VisitAsync(width: 1280, script: false, at: site.Address);
        await visit.Page.GotoAsync(Board);
        await visit.Page.GetByLabel("Search", new PageGetByLabelOptions { Exact = true }).FillAsync("exception:Gateway \"check Payments\"");
        await visit.ClickAsync("Search");
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("900");
        visit.Page.Url.ShouldNotContain("check");
        await visit.Page.Locator("td.number a").ClickAsync();
        await visit.Page.GetByLabel("Select all 900 that match").CheckAsync();
        await visit.ClickAsync("Discard selected…");
        await visit.SeeHeadingAsync("Discard 900: choose a queue");
    }

    [Fact]
    public async Task Times_are_shown_in_the_time_zone_of_the_reader()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter { At = DateTimeOffset.UtcNow.AddMinutes(-30) });
        var visit = await VisitAsync(width: 1280, at: site.Address);
        await visit.Page.GotoAsync(Board);
        var time = visit.Page.Locator("time[data-ago]").First;

        await Assertions.Expect(time).ToHaveTextAsync("30 min ago", new LocatorAssertionsToHaveTextOptions { Timeout = 5_000 }); // later, a wrong text may be right
        (await time.GetAttributeAsync("title")).ShouldBe(await time.EvaluateAsync<string>(
            "time => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(time.dateTime))"));
        var bar = visit.Page.Locator("a[data-from]").First;
        (await bar.Locator("title").TextContentAsync()).ShouldBe(await bar.EvaluateAsync<string>("""
            bar => {
              const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
              return `1 from ${exact.format(new Date(bar.dataset.from))} to ${exact.format(new Date(bar.dataset.to))}`;
            }
            """));
        var clock = visit.Page.Locator("time[data-clock]").First;
        (await clock.TextContentAsync()).ShouldBe(await clock.EvaluateAsync<string>("time => new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }).format(new Date(time.dateTime))"));
    }

    // Screenshots for reviewing a change of the style, saved in the folder that WORKINIT_TEST_LOOKS names.
    private static async Task SaveAsync(Visit visit, string name, ColorScheme scheme, int width)
    {
        if (Environment.GetEnvironmentVariable("WORKINIT_TEST_LOOKS") is { Length: > 0 } folder)
            await visit.ScreenshotAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, $"{name}.{scheme}.{width}.png"));
    }
}
