using System.Net;
using System.Net.Http.Json;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The dead-letter pages in an application without any other part of WorkinIt: samples/Orders.</summary>
public sealed class MountedDashboardTests
{
    private const string Pages = "/support/dead-letters";

    [Fact]
    public async Task Mounted_pages_replay_dead_letters_under_the_policies_of_the_host_application()
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        await using var sample = await OrdersSample.StartAsync(virtualHost);
        using var http = new HttpClient { BaseAddress = sample.Address };
        using var client = new PageClient(sample.Address);
        for (var order = 0; order < 10; order++)
            (await http.PostAsJsonAsync("/orders", new { orderId = Guid.NewGuid(), item = order < 4 ? "unicorn" : "tea", customerEmail = "jane@example.com" })).EnsureSuccessStatusCode();
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync("place-order_error"), ready => ready == 4, "four orders failed");

        (await client.GetAsync(Pages)).Status.ShouldBe(HttpStatusCode.Redirect);
        await client.PostWithoutTokenAsync("/sign-in/Sam/support");
        var causes = await client.GetAsync($"{Pages}/queues/place-order_error");
        causes.Text.ShouldContain("4 dead letters of place-order with 1 cause");
        causes.Text.ShouldContain("Order {id}: no unicorn in stock");
        (await client.PostAsync($"{Pages}/queues/place-order_error/replay", ("which", "all"))).Status.ShouldBe(HttpStatusCode.Redirect); // access denied: to the sign-in page

        await client.PostWithoutTokenAsync("/sign-in/Erin/engineer");
        (await http.PutAsync("/stock/unicorn", null)).EnsureSuccessStatusCode();
        await client.GetAsync($"{Pages}/queues/place-order_error");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync($"{Pages}/queues/place-order_error/replay", ("which", "all")));
        dryRun.Text.ShouldContain("nothing has moved yet");
        var run = await client.FollowAsync(dryRun.Path + "/run");
        var outcome = await client.SeeEndAsync(run);

        outcome.Text.ShouldContain("4 of 4 replayed: 4 handled"); // the application reports which messages it handled
        outcome.Text.ShouldContain("Failed again 0");
        (await virtualHost.ReadyAsync("place-order_error")).ShouldBe(0);
        (await client.GetAsync($"{Pages}/audit")).Text.ShouldContain("replay 4 by Erin");
    }

    [Fact]
    public async Task Result_page_links_a_message_that_failed_again_to_its_new_dead_letter()
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        await using var sample = await OrdersSample.StartAsync(virtualHost);
        using var http = new HttpClient { BaseAddress = sample.Address };
        using var client = new PageClient(sample.Address);
        (await http.PostAsJsonAsync("/orders", new { orderId = Guid.NewGuid(), item = "unicorn", customerEmail = "jane@example.com" })).EnsureSuccessStatusCode();
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync("place-order_error"), ready => ready == 1, "the order failed");
        await client.PostWithoutTokenAsync("/sign-in/Erin/engineer");
        var first = (await client.GetAsync($"{Pages}/queues/place-order_error/letters")).Link("/letters/");

        var dryRun = await client.SeeEndAsync(await client.FollowAsync($"{Pages}/queues/place-order_error/replay", ("which", "all")));
        var outcome = await client.SeeEndAsync(await client.FollowAsync(dryRun.Path + "/run"));

        outcome.Text.ShouldContain("1 of 1 replayed: 1 failed again");
        var again = outcome.Link("/queues/place-order_error/letters/");
        again.ShouldNotBe(first);
        var page = await client.GetAsync(again);
        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Text.ShouldContain("no unicorn in stock");
        page.Text.ShouldContain("by Erin");
    }
}
