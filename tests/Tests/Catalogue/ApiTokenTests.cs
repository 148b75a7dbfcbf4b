using System.Buffers.Text;
using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Who may use the HTTP API: programs with tokens, and users of a browser whose requests come from this site.</summary>
public sealed partial class ApiTokenTests
{
    private const string Acknowledge = """{ "change": "acknowledge" }""";

    [Fact]
    public async Task Token_is_made_on_a_page_and_shown_once_then_gives_access_until_it_is_revoked()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var page = new PageClient(site.Address);
        await page.GetAsync("/dead-letters/tokens");
        var made = await page.PostAsync("/dead-letters/tokens", ("name", "deploy-bot"), ("scope", "operate"), ("days", "7"));
        var secret = Secret().Match(made.Text).Value;
        secret.Length.ShouldBe(47, made.Text);
        (await page.GetAsync("/dead-letters/tokens")).Text.ShouldNotContain("wdl_");

        using var program = new ApiClient(site.Address, secret);
        var cause = new FailedLetter().Build().Cause.Id;
        (await program.PostAsync($"causes/{cause}/triage", Acknowledge)).Status.ShouldBe(HttpStatusCode.NoContent);
        (await program.GetAsync($"causes/{cause}")).Json.GetProperty("triage").GetProperty("acknowledgedBy").GetString().ShouldStartWith("Erin (token deploy-bot, t_");
        var list = await page.GetAsync("/dead-letters/tokens");
        list.Text.ShouldContain("deploy-bot t_");
        list.Text.ShouldContain("active");

        var id = Id().Match(list.Html).Value;
        (await page.PostAsync($"/dead-letters/tokens/{id}/revoke")).Status.ShouldBe(HttpStatusCode.SeeOther);
        var revoked = await program.GetAsync("causes");
        (revoked.Status, revoked.ContentType, revoked["detail"]).ShouldBe((HttpStatusCode.Unauthorized, "application/problem+json", "The token was revoked."));
        var entries = await site.Audit.ReadAsync(null, 10, default);
        entries.Select(entry => entry.Verb).ShouldBe(["revoke token", "acknowledge", "make token"]);
        entries[1].By.ShouldBe($"Erin (token deploy-bot, {id})");
        entries.ShouldAllBe(entry => !entry.ToString().Contains("wdl_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Token_that_is_forged_or_has_expired_gives_no_access_and_one_to_view_acts_on_nothing()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        var (_, expired) = await site.MakeTokenAsync(expiresAt: DateTimeOffset.UtcNow.AddSeconds(-1));
        var forged = "wdl_" + Base64Url.EncodeToString(new byte[32]);
        foreach (var (token, why) in new[] { (forged, "unknown"), ("wdl_", "unknown"), ("wdl_" + new string('!', 43), "unknown"), (expired + "A", "unknown"), (expired, "expired") })
        {
            using var program = new ApiClient(site.Address, token);
            var refused = await program.GetAsync("causes");
            refused.Status.ShouldBe(HttpStatusCode.Unauthorized, token);
            refused["detail"]!.ShouldContain(why);
        }

        var (_, view) = await site.MakeTokenAsync("dashboard", operates: false);
        using var viewer = new ApiClient(site.Address, view);
        var letter = new FailedLetter().Build();
        (await viewer.GetAsync("causes"))["letters"].ShouldBe("1");
        var listed = (await viewer.GetAsync("letters")).Json.GetProperty("letters")[0].GetProperty("id").GetString();
        foreach (var answer in new[]
        {
            await viewer.PostAsync($"causes/{letter.Cause.Id}/triage", Acknowledge),
            await viewer.PostAsync("dry-runs", """{ "verb": "replay", "queue": "orders_error", "all": true }"""),
            await viewer.GetAsync("export?queue=orders_error"),
            await viewer.GetAsync($"letters/{listed}?queue=orders_error&reveal=true"),
        })
        {
            answer.Status.ShouldBe(HttpStatusCode.Forbidden, answer.Text);
            answer["title"].ShouldBe("Not allowed");
        }
        (await site.Audit.ReadAsync(null, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Token_that_sends_too_many_requests_is_refused_with_the_time_to_wait()
    {
        await using var site = await CatalogueSite.StartAsync(configure: options => options.TokenRequestsPerMinute = 3);
        using var program = new ApiClient(site.Address, (await site.MakeTokenAsync()).Secret);
        for (var i = 0; i < 3; i++)
            (await program.GetAsync("causes")).Status.ShouldBe(HttpStatusCode.OK);
        var refused = await program.GetAsync("causes");
        refused.Status.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.RetryAfter!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        using var other = new ApiClient(site.Address, (await site.MakeTokenAsync("other")).Secret);
        (await other.GetAsync("causes")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(null, null, HttpStatusCode.Forbidden)]
    [InlineData("Origin", "https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-origin", HttpStatusCode.NoContent)]
    [InlineData("Origin", "here", HttpStatusCode.NoContent)]
    public async Task Act_of_a_signed_in_user_must_come_from_this_site(string? header, string? value, HttpStatusCode status)
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var browser = new ApiClient(site.Address, token: null); // the site signs everyone in, as a cookie would
        (string, string)[] headers = header is null ? [] : [(header, value == "here" ? site.Address.ToString().TrimEnd('/') : value!)];
        var answer = await browser.PostAsync($"causes/{new FailedLetter().Build().Cause.Id}/triage", Acknowledge, headers);
        answer.Status.ShouldBe(status, answer.Text);
        (await site.Audit.ReadAsync(null, 10, default)).Count.ShouldBe(status == HttpStatusCode.NoContent ? 1 : 0);
    }

    [Theory]
    [InlineData("letters/{0}?queue=orders_error&reveal=true")]
    [InlineData("export?queue=orders_error")]
    [InlineData("audit/00")]
    public async Task Reveal_and_export_of_a_signed_in_user_must_come_from_this_site(string path)
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var browser = new ApiClient(site.Address, token: null);
        path = string.Format(System.Globalization.CultureInfo.InvariantCulture, path, new FailedLetter().Build().Id);
        foreach (var headers in new (string, string)[][] { [], [("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")], [("Origin", "https://evil.example")] })
        {
            var refused = await browser.GetAsync(path, headers);
            (refused.Status, refused["title"]).ShouldBe((HttpStatusCode.Forbidden, "Nothing was done"), refused.Text);
        }
        (await site.Audit.ReadAsync(null, 10, default)).ShouldBeEmpty();
        (await browser.GetAsync(path, ("Sec-Fetch-Site", "same-origin"))).Status.ShouldNotBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task User_without_the_right_to_act_may_read_and_no_more_and_one_without_the_right_to_view_gets_nothing()
    {
        await using var site = await CatalogueSite.StartAsync();
        await site.AddAsync(new FailedLetter());
        using var browser = new ApiClient(site.Address, token: null);
        (await browser.GetAsync("letters", ("X-Role", "support"))).Status.ShouldBe(HttpStatusCode.OK);
        (await browser.GetAsync("letters", ("X-Role", "guest"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await browser.PostAsync("dry-runs", """{ "verb": "replay", "queue": "orders_error", "all": true }""", ("X-Role", "support"), ("Sec-Fetch-Site", "same-origin"))).Status.ShouldBe(HttpStatusCode.Forbidden);
    }

    [GeneratedRegex("wdl_[A-Za-z0-9_-]+")]
    private static partial Regex Secret();

    [GeneratedRegex("t_[0-9a-f]{8}")]
    private static partial Regex Id();
}
