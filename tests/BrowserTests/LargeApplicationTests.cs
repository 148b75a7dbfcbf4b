using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Playwright;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>A large application that uses nothing else of WorkinIt: 50 dead-letter queues, 30 causes, of which one grows.</summary>
public sealed class LargeApplicationTests(Browser browser) : AtThePages(browser)
{
    private const string Board = "/dead-letters";
    private const int Growing = 1; // the number of the cause that grows
    private const int Recent = 100; // its failures of the last minute
    private const int FailAgain = 3;
    private const int Loads = 5;

    private static readonly int _letters = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1" ? 100_000 : 2_000;
    private static readonly int _ofCause = ((_letters - Growing - 1) / DeadLetterFill.Causes) + 1 + Recent;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(10); // for 100,000 letters on a busy machine

    [Fact]
    public async Task Operator_sees_on_one_page_what_broke_first_since_when_and_how_fast_it_grows_and_replays_a_cause_in_three_clicks()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        var fill = new DeadLetterFill(system.VirtualHost);
        await fill.DeclareAsync();
        await using var consumer = await ConsumeAsync(system.VirtualHost);
        var web = await StartWebAsync(system);
        await fill.PublishAsync(_letters, DateTimeOffset.UtcNow.AddMinutes(-45));
        var visit = await SignInAsync(web);
        await SeeCompleteAsync(web);
        await fill.PublishToAsync(DeadLetterFill.LargestQueue, Recent, outstanding: 16, Growing);

        await SeeBoardAsync(visit); // without a reload
        var median = await MeasureAsync(visit);
        await visit.ShouldLookRightAsync();
        median.ShouldBeLessThan(TimeSpan.FromSeconds(1));

        await Row(visit).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Replay" }).ClickAsync();
        await visit.SeeHeadingAsync(string.Create(CultureInfo.InvariantCulture, $"Replay: {_ofCause:N0}"));
        await visit.ClickAsync(string.Create(CultureInfo.InvariantCulture, $"Replay {_ofCause:N0}"));
        await Assertions.Expect(visit.Heading).ToContainTextAsync(
            string.Create(CultureInfo.InvariantCulture, $"{_ofCause:N0} of {_ofCause:N0} replayed: "), new LocatorAssertionsToContainTextOptions { Timeout = (float)_patience.TotalMilliseconds }); // each step passes through the queue
        await Assertions.Expect(visit.Heading).ToContainTextAsync($"{FailAgain} failed again");
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Board", Exact = true }).First.ClickAsync();
        await Assertions.Expect(Row(visit)).ToContainTextAsync("back after a replay");
        await Assertions.Expect(Row(visit).Locator("td.number")).ToHaveTextAsync($"{FailAgain}");
        await Assertions.Expect(Tile(visit, "Dead letters")).ToHaveTextAsync(string.Create(CultureInfo.InvariantCulture, $"{_letters + Recent - _ofCause + FailAgain:N0}"));
        visit.ShouldBeUntroubled();
    }

    // Everything is on the first screen.
    private static async Task SeeBoardAsync(Visit visit)
    {
        await Assertions.Expect(Tile(visit, "Dead letters")).ToHaveTextAsync(string.Create(CultureInfo.InvariantCulture, $"{_letters + Recent:N0}"));
        await Assertions.Expect(Tile(visit, "Causes")).ToHaveTextAsync($"{DeadLetterFill.Causes}");
        await Assertions.Expect(Tile(visit, "Oldest")).ToHaveTextAsync("6 h ago");
        await Assertions.Expect(Tile(visit, "Failures per minute")).ToHaveTextAsync($"{Recent / 5}");
        await Assertions.Expect(Tile(visit, "Queues not fully read")).ToContainTextAsync($"0 of {DeadLetterFill.Queues}");
        var headline = visit.Page.Locator(".headline li");
        await Assertions.Expect(headline.Nth(0)).ToHaveTextAsync($"First new cause in the last 24 h: Failure0Exception in {DeadLetterFill.LargestQueue}, 6 h ago; {DeadLetterFill.Causes - 1} more causes since");
        await Assertions.Expect(headline.Nth(0).GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", $"{Board}/letters?q=cause%3A{DeadLetterFill.CauseIdOf(0)}");
        await Assertions.Expect(headline.Nth(1)).ToHaveTextAsync($"Grows fastest: Failure{Growing}Exception, {Recent} in the last 30 min, since 6 h ago");
        await Assertions.Expect(headline.Nth(1).GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", $"{Board}/letters?q=cause%3A{DeadLetterFill.CauseIdOf(Growing)}");
        await Assertions.Expect(Row(visit).Locator("td.number")).ToHaveTextAsync(string.Create(CultureInfo.InvariantCulture, $"{_ofCause:N0}"));
        await Assertions.Expect(Row(visit).Locator(".where")).ToHaveTextAsync(DeadLetterFill.LargestQueue);
        foreach (var part in new[] { Tile(visit, "Dead letters"), headline.Nth(1), visit.Page.Locator("figure.histogram"), Row(visit) })
            await Assertions.Expect(part).ToBeInViewportAsync(new LocatorAssertionsToBeInViewportOptions { Ratio = 1 });
    }

    // The time from the address to the page that shows what broke; the median of some loads.
    private static async Task<TimeSpan> MeasureAsync(Visit visit)
    {
        var times = new List<TimeSpan>();
        for (var load = 0; load < Loads; load++)
        {
            var since = Stopwatch.GetTimestamp();
            await visit.Page.GotoAsync(Board);
            await Assertions.Expect(visit.Page.Locator(".headline")).ToContainTextAsync("First new cause");
            times.Add(Stopwatch.GetElapsedTime(since));
        }
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  the board of {_letters + Recent:N0} dead letters in Chromium: {string.Join(", ", times.Select(time => $"{time.TotalMilliseconds:0}"))} ms"));
        return times.Order().ElementAt(Loads / 2);
    }

    private static async Task<ServiceProcess> StartWebAsync(WorkinItSystem system)
    {
        DeadLetterPages.AddTo(system);
        system.Settings["ConnectionStrings__DeadLetters"] = system.VirtualHost.ConnectionString("operator");
        system.Settings["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(system.Folder, "catalogue.db")}";
        system.Settings["DeadLetters__OutcomeWait"] = "00:00:10"; // the application does not report what it has handled
        await system.MigrateAsync();
        var web = system.NewWeb();
        await web.StartAsync("live"); // the queues of WorkinIt do not exist here
        return web;
    }

    private async Task<Visit> SignInAsync(ServiceProcess web)
    {
        var visit = await VisitAsync(width: 1280, at: web.Address);
        await visit.Page.GotoAsync(Board);
        await visit.Page.GetByLabel("RabbitMQ user").FillAsync("operator");
        await visit.Page.GetByLabel("Password").FillAsync("operator");
        await visit.ClickAsync("Sign in");
        await Assertions.Expect(visit.Heading).ToHaveTextAsync("Board");
        return visit;
    }

    private static async Task SeeCompleteAsync(ServiceProcess web)
    {
        using var reader = new PageClient(web.Address);
        await reader.SignInAsync("operator");
        await Eventually.SeeAsync(
            () => reader.GetAsync(Board),
            board => board.Status == HttpStatusCode.OK && board.Text.Contains(string.Create(CultureInfo.InvariantCulture, $"Dead letters {_letters:N0} "), StringComparison.Ordinal)
                && board.Text.Contains($"Queues not fully read 0 of {DeadLetterFill.Queues} ", StringComparison.Ordinal),
            "the catalogue has all letters", _patience);
    }

    // The application's consumer. Some messages fail again, in a late step of the replay and too few to pause it.
    private static async Task<IChannel> ConsumeAsync(TestVirtualHost virtualHost)
    {
        var channel = await virtualHost.OpenChannelAsync();
        const int good = 60;
        var received = 0;
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (Interlocked.Increment(ref received) is > good and <= good + FailAgain)
            {
                var (failed, _) = DeadLetterFill.Message(DeadLetterFill.LargestQueue, Growing, DateTimeOffset.UtcNow);
                var properties = new BasicProperties(delivery.BasicProperties) { Headers = new Dictionary<string, object?>(delivery.BasicProperties.Headers ?? new Dictionary<string, object?>()) };
                foreach (var (name, value) in failed.Headers!)
                    properties.Headers[name] = value; // MassTransit keeps the other headers
                await channel.BasicPublishAsync(DeadLetterFill.LargestQueue, "", mandatory: true, properties, delivery.Body);
            }
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicQosAsync(0, 16, global: false);
        await channel.BasicConsumeAsync(DeadLetterFill.InputOf(DeadLetterFill.LargestQueue), autoAck: false, consumer);
        return channel;
    }

    private static ILocator Row(Visit visit) => visit.Page.Locator("tr[data-row]").Filter(new LocatorFilterOptions { Has = visit.Page.Locator($"a[data-main][href$='{DeadLetterFill.CauseIdOf(Growing)}']") });

    private static ILocator Tile(Visit visit, string name) => visit.Page.Locator("dl.strip > div").Filter(new LocatorFilterOptions { Has = visit.Page.GetByText(name, new PageGetByTextOptions { Exact = true }) }).Locator("dd");
}
