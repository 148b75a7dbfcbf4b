using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The page of one letter, from the catalogue.</summary>
public sealed class CatalogueLetterPageTests
{
    [Fact]
    public async Task Letter_is_shown_masked_with_its_folded_stack_trace_and_history_and_revealed_once_with_an_audit_entry()
    {
        await using var site = await CatalogueSite.StartAsync(configure: options => options.LinkTo = letter => new Uri($"/orders/{letter.MessageId}", UriKind.Relative));
        var now = DateTimeOffset.UtcNow;
        var first = new FailedLetter { At = now.AddMinutes(-70), SentAt = now.AddMinutes(-71), Stack = "   at Npgsql.Open()\n   at Shop.Warehouse.Reserve()\n   at MassTransit.Send()" };
        var again = first with { At = now.AddMinutes(-6), Replays = 1 };
        await site.AddAsync(first);
        await site.ReplayedAsync("orders_error", "Sam", now.AddMinutes(-7), first.Build().Id);
        await site.AddAsync(again);
        using var client = new PageClient(site.Address);
        var address = $"/dead-letters/queues/orders_error/letters/{again.Build().Id}";

        var page = await client.GetAsync(address);

        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Text.ShouldContain("TimeoutException The database did not answer within 30 s Failed 6 min ago in orders , PlaceOrder. Open in the application");
        page.Html.ShouldContain($"href=\"/orders/{first.MessageId}\"");
        page.Text.ShouldContain("71 min ago Sent 70 min ago Failed: TimeoutException in orders_error 7 min ago Replayed by Sam 6 min ago Failed again, same cause");
        page.Text.ShouldContain("1 frame of a library");
        page.Text.ShouldContain("j…@e…");
        page.Html.ShouldNotContain("jane@example.com");
        page.Html.ShouldNotContain("Jane Doe");
        page.Text.ShouldContain("Replay this message…");

        var revealed = await client.PostAsync(address + "/reveal");
        revealed.Text.ShouldContain("jane@example.com");
        (await client.GetAsync("/dead-letters/audit")).Text.ShouldContain("reveal 1 by Erin");

        var left = await client.GetAsync($"/dead-letters/queues/orders_error/letters/{first.Build().Id}");
        left.Text.ShouldContain("No longer in orders_error : replayed by Sam, 7 min ago");
        left.Text.ShouldNotContain("Replay this message…");
    }

    [Fact]
    public async Task Page_shows_the_facts_of_the_failure_and_leads_to_its_cause_and_to_the_earlier_failure()
    {
        await using var site = await CatalogueSite.StartAsync();
        var now = DateTimeOffset.UtcNow;
        var first = new FailedLetter { At = now.AddMinutes(-70) };
        var again = first with { At = now.AddMinutes(-6), Replays = 2 };
        await site.AddAsync(first);
        await site.ReplayedAsync("orders_error", "Sam", now.AddMinutes(-7), first.Build().Id);
        await site.AddAsync(again);
        using var client = new PageClient(site.Address);

        var page = await client.GetAsync($"/dead-letters/queues/orders_error/letters/{again.Build().Id}");

        page.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain("Failed in orders Kind its consumer failed"),
            it => it.ShouldContain("Message type Shop.Orders:PlaceOrder Exception System.TimeoutException"),
            it => it.ShouldContain("Consumer Shop.Orders.PlaceOrderConsumer Retries 3 Host orders-7c9f, Shop.Orders 1 Earlier replays 2, the last by Sam at"),
            it => it.ShouldContain($"Size {again.Build().Body.Length} bytes, application/vnd.masstransit+json"),
            it => it.ShouldContain("MT-Fault-RetryCount 3"),
            it => it.ShouldNotContain("MT-Fault-StackTrace")); // it has its own place
        page.Html.ShouldContain($"href=\"/dead-letters/queues/orders_error/letters/{first.Build().Id}\"");
        (await client.GetAsync(page.Link("q=cause"))).Text.ShouldContain("1 to 1 of 1");
        page.Link("q=cause").ShouldEndWith(again.Build().Cause.Id);
    }

    [Fact]
    public async Task Unreadable_message_and_a_request_say_so()
    {
        await using var site = await CatalogueSite.StartAsync();
        var (broken, request) = (new FailedLetter { Consumer = null, Message = "{" }, new FailedLetter { Message = """{},"responseAddress":"rabbitmq://localhost/bus-shop-1" """ });
        await site.AddAsync(broken, request);
        using var client = new PageClient(site.Address);

        (await client.GetAsync($"/dead-letters/queues/orders_error/letters/{broken.Build().Id}")).Text.ShouldContain("Unreadable: ");
        var page = await client.GetAsync($"/dead-letters/queues/orders_error/letters/{request.Build().Id}");
        page.Text.ShouldContain("A request: its consumer answers to bus-shop-1 again");
        page.Text.ShouldNotContain("Unreadable");
    }

    [Theory]
    [InlineData(2048, true)]
    [InlineData(2047, false)]
    public async Task Stack_trace_that_MassTransit_has_cut_says_so(int length, bool cut)
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = new FailedLetter { Stack = "   at Shop.Warehouse.Reserve()\n".PadRight(length, 'x') };
        await site.AddAsync(letter);
        using var client = new PageClient(site.Address);

        (await client.GetAsync($"/dead-letters/queues/orders_error/letters/{letter.Build().Id}")).Text.Contains("Cut by MassTransit at 2,048 characters", StringComparison.Ordinal).ShouldBe(cut);
    }

    [Fact]
    public async Task Letter_that_the_catalogue_does_not_have_is_looked_for_in_its_queue()
    {
        await using var site = await CatalogueSite.StartAsync();
        using var client = new PageClient(site.Address);

        (await client.GetAsync("/dead-letters/queues/orders_error/letters/0123456789abcdef")).Text.ShouldContain("The broker is unreachable"); // it was asked
    }
}
