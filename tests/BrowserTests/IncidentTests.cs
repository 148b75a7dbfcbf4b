using System.Net.Http.Json;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>An incident in an application that uses nothing else of WorkinIt: seen on the board, and replayed in three clicks.</summary>
public sealed class IncidentTests(Browser browser) : AtThePages(browser)
{
    [Fact]
    public async Task Cause_is_found_on_the_board_and_replayed_in_three_clicks()
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        await using var sample = await OrdersSample.StartAsync(virtualHost);
        using var http = new HttpClient { BaseAddress = sample.Address };
        var visit = await VisitAsync(width: 1280, at: sample.Address);
        await visit.Page.GotoAsync("/sign-in");
        await visit.ClickAsync("Erin");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Board");
        for (var order = 0; order < 12; order++)
            (await http.PostAsJsonAsync("/orders", new { orderId = Guid.NewGuid(), item = "unicorn", customerEmail = "jane@example.com" })).EnsureSuccessStatusCode();

        var row = visit.Page.GetByRole(AriaRole.Row).Filter(new LocatorFilterOptions { HasText = "OutOfStockException" });
        await Assertions.Expect(row).ToContainTextAsync("12"); // without a reload
        await visit.ShouldLookRightAsync();
        (await http.PutAsync("/stock/unicorn", null)).EnsureSuccessStatusCode();

        await row.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Replay" }).ClickAsync();
        await visit.SeeHeadingAsync("Replay: 12");
        await visit.ClickAsync("Replay 12");
        await visit.SeeHeadingAsync("12 of 12 replayed");
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Board" }).ClickAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("No dead letters");
        (await virtualHost.ReadyAsync("place-order_error")).ShouldBe(0);
    }
}
