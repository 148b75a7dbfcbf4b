using System.Globalization;
using System.Net;
using System.Text.Json;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Catalogue;

/// <summary>The pages of a catalogue touch no queue: the broker's own counters of the dead-letter queues stay as they are.</summary>
[Trait("broker", "any")] // tests what the pages read
public sealed class LookingTests : IAsyncLifetime
{
    private const string Board = "/dead-letters";
    private const int Views = 1000;
    private const int Letters = 200;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(7); // the broker's counters are 5 s old

    private WorkinItSystem _system = null!;
    private ServiceProcess _web = null!;
    private PageClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(_system);
        _system.Settings["ConnectionStrings__DeadLetters"] = _system.VirtualHost.ConnectionString("operator");
        _system.Settings["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(_system.Folder, "catalogue.db")}";
        await _system.PrepareAsync();
        var fill = new DeadLetterFill(_system.VirtualHost);
        await fill.DeclareAsync();
        await fill.PublishAsync(Letters);
        _web = _system.NewWeb();
        await _web.StartAsync();
        _client = new PageClient(_web.Address);
        await _client.SignInAsync("operator");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _web.DisposeAsync();
        await _system.DisposeAsync();
    }

    [Fact]
    public async Task Thousand_views_of_all_pages_of_the_catalogue_take_no_message_from_a_queue()
    {
        await Eventually.SeeAsync(
            () => _client.GetAsync(Board), board => board.Text.Contains($"Dead letters {Letters} ", StringComparison.Ordinal) && board.Text.Contains("Queues not fully read 0 of ", StringComparison.Ordinal),
            "the catalogue has all letters");
        await Task.Delay(_interval);
        var before = await CountersAsync();
        before.Sum(counter => counter.Value).ShouldBeGreaterThan(0); // the catalogue has read the queues

        var pages = await PagesAsync();
        for (var view = 0; view < Views; view++)
        {
            var path = pages[view % pages.Count];
            (await _client.GetAsync(path)).Status.ShouldBe(HttpStatusCode.OK, path);
        }
        await SearchAndFollowAsync();

        await Task.Delay(_interval);
        (await CountersAsync()).Except(before).ShouldBeEmpty();

        // A page that reads a queue is counted.
        (await _client.GetAsync($"{Board}/queues/{DeadLetterFill.LargestQueue}")).Status.ShouldBe(HttpStatusCode.OK);
        var changed = await Eventually.SeeAsync(async () => (await CountersAsync()).Except(before).ToList(), counters => counters.Count > 0, "the broker has counted the messages that a page took");
        changed.Select(counter => counter.Key).ShouldAllBe(counter => counter.StartsWith(DeadLetterFill.LargestQueue, StringComparison.Ordinal));
    }

    // Each kind of page, as its links lead to it.
    private async Task<IReadOnlyList<string>> PagesAsync()
    {
        var list = await _client.GetAsync(Board + "/letters");
        var board = await _client.GetAsync(Board);
        return
        [
            Board, Board + "?span=1h", Board + "?span=7d&sort=first", Board + "?sort=last", Board + "?q=exception:Failure3", Board + "?q=age:%3C2h+queue:orders", board.Link("since"),
            list.Path, list.Link("page=2"), Board + "/letters?q=state:any", Board + "/letters?q=version:2.4", board.Link("/letters?q=cause"),
            list.Link("/queues/"), board.Link("/causes/"), Board + "/notifications", Board + "/audit", Board + "/queues",
        ];
    }

    // What is not a plain page: the search form, whose text is not in the address, the letter revealed, and the events.
    private async Task SearchAndFollowAsync()
    {
        var found = await _client.FollowAsync(Board + "/search", ("q", "\"order number 17,\""), ("to", "letters"));
        found.Text.ShouldContain("1 to 1 of 1 ");
        (await _client.PostAsync(found.Link("/queues/") + "/reveal")).Text.ShouldContain("somebody17@example.com");
        using var events = await _client.OpenAsync(Board + "/events");
        events.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    // All counters that the broker has of the dead-letter queues: messages that were got, delivered, redelivered, acked, and published.
    private async Task<IReadOnlyDictionary<string, long>> CountersAsync()
    {
        var counters = new Dictionary<string, long>();
        foreach (var queue in (await _system.VirtualHost.ManagementAsync("queues/{vhost}?columns=name,message_stats")).EnumerateArray())
        {
            var name = queue.GetProperty("name").GetString()!;
            if (!name.EndsWith("_error", StringComparison.Ordinal) || !queue.TryGetProperty("message_stats", out var stats) || stats.ValueKind != JsonValueKind.Object)
                continue;
            foreach (var counter in stats.EnumerateObject().Where(counter => counter.Value.ValueKind == JsonValueKind.Number))
                counters.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {counter.Name}"), counter.Value.GetInt64());
        }
        return counters;
    }
}
