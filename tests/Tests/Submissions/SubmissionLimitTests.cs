using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

/// <summary>The limits that prevent the form from being used to flood mailboxes.</summary>
public sealed class SubmissionLimitTests
{
    [Fact]
    public async Task Client_over_its_limit_gets_429_with_the_time_to_retry()
    {
        using var web = new WebHost(perClient: 2);
        for (var number = 0; number < 2; number++)
            (await SubmitAsync(web, $"jane{number}@example.com")).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        using var refused = await SubmitAsync(web, "jane2@example.com");

        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)); // at two a minute, one becomes available every 30 seconds
        (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString()!.ShouldStartWith("Too many thoughts in a short time.");
        web.Service<SubmissionStore>().Unconfirmed(TimeSpan.Zero, 10).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Accepted_submission_may_be_sent_again_despite_the_client_limit()
    {
        using var web = new WebHost(perClient: 1);
        var known = Guid.NewGuid();
        for (var time = 0; time < 5; time++)
            (await SubmitAsync(web, "jane@example.com", known)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await SubmitAsync(web, "jane@example.com")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Form_over_the_client_limit_keeps_the_typed_text()
    {
        using var web = new WebHost(perClient: 1);
        (await web.PostFormAsync("jane@example.com", "hello")).StatusCode.ShouldBe(HttpStatusCode.SeeOther);

        using var refused = await web.PostFormAsync("jane@example.com", "a second thought");

        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter.ShouldNotBeNull();
        (await refused.Content.ReadAsStringAsync()).ShouldSatisfyAllConditions(
            page => page.ShouldContain("a second thought"), page => page.ShouldContain("jane@example.com"), page => page.ShouldContain("role=\"alert\">Too many thoughts"));
    }

    [Fact]
    public async Task Invalid_submission_does_not_count_toward_the_client_limit()
    {
        using var web = new WebHost(perClient: 1);
        for (var time = 0; time < 5; time++)
            (await web.PostFormAsync("jane", "hello")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await web.PostFormAsync("jane@example.com", "hello")).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    [Fact]
    public async Task Recipient_limit_counts_all_submissions_however_the_address_is_written()
    {
        using var web = new WebHost(perRecipient: 2);
        var known = Guid.NewGuid();
        (await SubmitAsync(web, "jane@example.com", known)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await SubmitAsync(web, "Jane+gifs@Example.com")).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        using var refused = await SubmitAsync(web, "jane+more@example.com");

        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(60));
        (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString()!.ShouldContain("try again in 60 minutes");
        (await SubmitAsync(web, "joe@example.com")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await SubmitAsync(web, "jane@example.com", known)).StatusCode.ShouldBe(HttpStatusCode.Accepted); // sent again with its key, so no second mail results
    }

    [Fact]
    public async Task Recipient_limit_holds_for_concurrent_submissions()
    {
        using var web = new WebHost(perRecipient: 5);
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => SubmitAsync(web, "jane@example.com")));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Accepted).ShouldBe(5);
    }

    [Fact]
    public async Task Honeypot_field_stops_bots_and_is_explained_to_people_who_filled_it_in()
    {
        using var web = new WebHost();
        var fields = new Dictionary<string, string>(await web.OpenFormAsync()) { ["website"] = "https://spam.example" };

        using var refused = await web.PostFormAsync("jane@example.com", "hello", fields);

        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await refused.Content.ReadAsStringAsync()).ShouldSatisfyAllConditions(
            page => page.ShouldContain("href=\"#website\">Leave this field empty"), page => page.ShouldNotContain("class=\"field trap\""), page => page.ShouldContain(">\nhello</textarea>"));
        web.Service<SubmissionStore>().Unconfirmed(TimeSpan.Zero, 10).ShouldBeEmpty();
    }

    private static Task<HttpResponseMessage> SubmitAsync(WebHost web, string email, Guid? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = JsonContent.Create(new { email, thought = "hello" }) };
        if (key is { } value)
            request.Headers.Add("Idempotency-Key", value.ToString());
        return web.Client.SendAsync(request);
    }
}
