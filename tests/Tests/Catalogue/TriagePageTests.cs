using System.Net;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Testbed;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The page of a cause, its triage form, and the page of notifications.</summary>
public sealed class TriagePageTests : IAsyncLifetime
{
    private const string Hostile = "<script>alert('x')</script>";

    private TriagePages _pages = null!;

    public async ValueTask InitializeAsync() => _pages = await TriagePages.StartAsync(new NotificationReceiver(new Uri("http://127.0.0.1:1/a-key-in-the-address")));

    public ValueTask DisposeAsync() => _pages.DisposeAsync();

    [Fact]
    public async Task Page_shows_what_the_cause_is_where_its_letters_are_and_buttons_for_each_queue()
    {
        var id = await _pages.AddAsync(Fault("orders_error", "Order 7 of jane.doe@example.com is late", at: DateTimeOffset.UtcNow, version: "2.4.1.0"));
        await _pages.AddAsync(Fault("orders_error", "Order 8 of john.doe@example.com is late", at: DateTimeOffset.UtcNow));
        var page = await _pages.Client.GetAsync($"/dead-letters/causes/{id}");
        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain("System.TimeoutException"), it => it.ShouldContain("2.4.1.0"), it => it.ShouldContain("SubmitOrder"), it => it.ShouldContain("orders_error"),
            it => it.ShouldContain("new"), it => it.ShouldContain("Replay these 2"), it => it.ShouldContain("Discard these 2"), it => it.ShouldNotContain("jane.doe"));
        page.Html.ShouldContain("action=\"/dead-letters/queues/orders_error/replay\"");
        page.Html.ShouldContain($"<input type=\"hidden\" name=\"cause\" value=\"{id}\"");
        page.Html.ShouldContain("<input type=\"hidden\" name=\"which\" value=\"filter\"");
        page.Html.ShouldContain("href=\"/dead-letters/queues/orders_error/letters/");
    }

    [Fact]
    public async Task Page_counts_what_is_there_and_lists_what_has_left()
    {
        var now = DateTimeOffset.UtcNow;
        var left = Fault("orders_error", "Order 1 is late", at: now.AddMinutes(-100));
        var id = await _pages.AddAsync(left);
        await _pages.AddAsync(Fault("orders_error", "Order 2 is late", at: now.AddHours(-2)));
        await _pages.AddAsync(Fault("orders_error", "Order 3 is late", at: now.AddHours(-1), header: ("Replay-Id", "op/1"u8.ToArray())));
        await _pages.AddAsync(Fault("mail_error", "Order 4 is late", at: now.AddMinutes(-90)));
        await _pages.Catalogue.Writer.MarkMovedAsync(Source, "orders_error", [left.Id], LetterState.Replayed, "op-1", "Sam", now, default);

        var page = await _pages.Client.GetAsync($"/dead-letters/causes/{id}");

        page.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain(" 3 System.TimeoutException "), it => it.ShouldContain("Replayed before 1 of them failed again"),
            it => it.ShouldContain($"First failed {Written(now.AddHours(-2))} Last failed {Written(now.AddHours(-1))}"),
            it => it.ShouldContain(" orders_error 2 Replay these 2"), it => it.ShouldContain(" mail_error 1 Replay this message"),
            it => it.ShouldContain($"{left.Id} Order 1 is late orders_error, replayed"));
        page.Html.Split($"/letters/{left.Id}").Length.ShouldBe(1); // no link to a letter that is not there

        static string Written(DateTimeOffset at) => at.ToUniversalTime().ToString("d MMM yyyy HH:mm:ss 'UTC'", System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Strange_names_and_texts_are_escaped_everywhere()
    {
        var id = await _pages.AddAsync(Fault($"{Hostile}_error", Hostile, $"Orders.{Hostile}", $"Orders:{Hostile}", at: DateTimeOffset.UtcNow, version: Hostile));
        await _pages.Client.GetAsync($"/dead-letters/causes/{id}");
        var page = await _pages.Client.FollowAsync($"/dead-letters/causes/{id}/triage", ("change", "note"), ("owner", Hostile), ("note", Hostile), ("link", "https://example.com/\"><script>alert('x')</script>"));
        page.Text.ShouldContain($"Owner: {Hostile}");
        page.Html.ShouldNotContain("<script>alert");
        page.Html.ShouldContain("&lt;script&gt;alert");
    }

    [Fact]
    public async Task Triage_is_changed_by_the_form_and_shown_with_its_history()
    {
        var id = await _pages.AddAsync(Fault("orders_error", "late", at: DateTimeOffset.UtcNow));
        var path = $"/dead-letters/causes/{id}";
        await _pages.Client.GetAsync(path);
        (await _pages.Client.FollowAsync($"{path}/triage", ("change", "acknowledge"))).Text.ShouldContain("acknowledged by ann");
        (await _pages.Client.FollowAsync($"{path}/triage", ("change", "mute-1h"))).Text.ShouldContain("muted until");
        (await _pages.Client.FollowAsync($"{path}/triage", ("change", "mute-version"), ("version", "2.4"))).Text.ShouldContain("muted until version 2.4");
        (await _pages.Client.FollowAsync($"{path}/triage", ("change", "unmute"))).Text.ShouldNotContain("Muted by");
        var page = await _pages.Client.FollowAsync($"{path}/triage", ("change", "note"), ("owner", "Jane Roe"), ("note", "fixed in 2.4"), ("link", "https://tickets.example.com/7"));
        page.Html.ShouldContain("<a href=\"https://tickets.example.com/7\" rel=\"noreferrer noopener\">");
        page.Text.ShouldContain("Triage so far");
        page.Text.ShouldContain("Owner: Jane Roe");
        (await _pages.Client.FollowAsync($"{path}/triage", ("change", "unacknowledge"))).Text.ShouldContain("not acknowledged");

        var audit = await new AuditFile(_pages.AuditPath).ReadAsync("orders_error", 10, default);
        audit.Select(entry => entry.Verb).Order().ShouldBe(["acknowledge", "mute", "mute", "note", "unacknowledge", "unmute"]);
        (await File.ReadAllTextAsync(_pages.AuditPath) + _pages.Logs.Text).ShouldSatisfyAllConditions(it => it.ShouldNotContain("Jane Roe"), it => it.ShouldNotContain("fixed in"));
    }

    [Theory]
    [InlineData("Link:", "link", "javascript:alert(1)", "note")]
    [InlineData("Link:", "link", "ftp://example.com", "note")]
    [InlineData("Version:", "version", "Jane's release", "mute-version")]
    [InlineData("Version:", "version", "", "mute-version")]
    [InlineData("Change:", "version", "2", "delete")]
    public async Task Invalid_input_is_a_400_that_names_the_field(string named, string field, string value, string change)
    {
        var id = await _pages.AddAsync(Fault("orders_error", "late", at: DateTimeOffset.UtcNow));
        await _pages.Client.GetAsync($"/dead-letters/causes/{id}");
        var answer = await _pages.Client.PostAsync($"/dead-letters/causes/{id}/triage", ("change", change), (field, value));
        answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        answer.Text.ShouldContain(named);
        (await _pages.Client.GetAsync($"/dead-letters/causes/{id}")).Text.ShouldNotContain("Triage so far");
    }

    [Fact]
    public async Task User_without_the_right_to_operate_sees_the_triage_and_cannot_change_it()
    {
        var id = await _pages.AddAsync(Fault("orders_error", "late", at: DateTimeOffset.UtcNow));
        _pages.IsOperator = false;
        var page = await _pages.Client.GetAsync($"/dead-letters/causes/{id}");
        page.Text.ShouldContain("not acknowledged");
        page.Html.ShouldNotContain("<form method=\"post\" action=\"/dead-letters");
        (await _pages.Client.PostAsync($"/dead-letters/causes/{id}/triage", ("change", "acknowledge"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await _pages.Client.PostAsync("/dead-letters/notifications/test", ("receiver", "x"))).Status.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Form_without_an_antiforgery_token_is_refused()
    {
        var id = await _pages.AddAsync(Fault("orders_error", "late", at: DateTimeOffset.UtcNow));
        (await _pages.Client.PostWithoutTokenAsync($"/dead-letters/causes/{id}/triage", ("change", "acknowledge"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _pages.Client.PostWithoutTokenAsync("/dead-letters/notifications/test", ("receiver", "x"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _pages.Client.GetAsync($"/dead-letters/causes/{id}")).Text.ShouldContain("not acknowledged");
    }

    [Fact]
    public async Task Unknown_cause_is_a_404()
    {
        await _pages.Client.GetAsync($"/dead-letters/causes/{await _pages.AddAsync(Fault("orders_error", "late", at: DateTimeOffset.UtcNow))}"); // for its token
        (await _pages.Client.GetAsync("/dead-letters/causes/00000000")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await _pages.Client.PostAsync("/dead-letters/causes/00000000/triage", ("change", "acknowledge"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await _pages.Client.PostAsync("/dead-letters/notifications/test", ("receiver", "x"))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Receivers_page_shows_the_state_of_each_receiver_without_its_address_and_sends_a_test_message()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var pages = await TriagePages.StartAsync(receiver.Receiver, new NotificationReceiver(new Uri("http://127.0.0.1:1/a-key-in-the-address")));
        await pages.Client.GetAsync($"/dead-letters/causes/{await pages.AddAsync(Fault("orders_error", "late", at: DateTimeOffset.UtcNow))}"); // for its token
        (await pages.Client.PostAsync("/dead-letters/notifications/test", ("receiver", receiver.Receiver.Key))).Status.ShouldBe(HttpStatusCode.Conflict); // the catalogue has not read its queues
        await pages.Service<NotificationStore>().LookAsync(await pages.Catalogue.Reader.BoardAsync(CatalogueQuery.All, default), isSettled: true, default);

        foreach (var to in pages.Service<NotificationOptions>().Receivers)
            (await pages.Client.PostAsync("/dead-letters/notifications/test", ("receiver", to.Key))).Status.ShouldBe(HttpStatusCode.SeeOther);
        var page = await Eventually.SeeAsync(
            () => pages.Client.GetAsync("/dead-letters/notifications"), answer => answer.Text.Contains("The last try failed", StringComparison.Ordinal) && receiver.Calls.Count > 0, "both were tried", TimeSpan.FromSeconds(20));
        page.Text.ShouldContain("127.0.0.1:1 (json)");
        page.Text.ShouldContain("ConnectionRefused");
        (page.Html + pages.Logs.Text).ShouldNotContain("a-key-in-the-address");
        receiver.Kinds.ShouldBe(["summary", "test"]);
    }

    [Fact]
    public async Task Page_of_a_cause_is_a_503_while_the_database_of_the_catalogue_is_not_open()
    {
        await using var pages = await TriagePages.StartAsync(isOpen: false);
        (await pages.Client.GetAsync("/dead-letters/causes/00000000")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await pages.Client.GetAsync("/dead-letters/find")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Page_of_a_cause_without_its_database_is_a_503_that_says_what_still_works()
    {
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_pages.DatabaseFile};Pooling=False"))
        {
            await connection.OpenAsync();
            using var command = connection.CreateCommand();
            command.CommandText = "ALTER TABLE catalogue_triage RENAME TO gone";
            await command.ExecuteNonQueryAsync();
        }
        var page = await _pages.Client.GetAsync("/dead-letters/causes/00000000");
        page.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        page.Text.ShouldContain("The dead letters are not affected");
    }
}
