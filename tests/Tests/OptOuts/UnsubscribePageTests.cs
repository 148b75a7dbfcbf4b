using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Deliveries;
using WorkinIt.Tests.Submissions;

namespace WorkinIt.Tests.OptOuts;

/// <summary>The page that the unsubscribe link in a mail opens.</summary>
public sealed partial class UnsubscribePageTests : IDisposable
{
    private static readonly string _link = $"/never-again/{TestOptOuts.Tokens.For("jane@example.com")}";
    private readonly WebHost _web = new();

    private bool IsBlocked => _web.Service<SuppressionList>().Contains(TestOptOuts.Tokens.NameOf("jane@example.com"));

    [Fact]
    public async Task Opening_the_unsubscribe_link_changes_nothing_because_mail_scanners_open_it_too()
    {
        using var answer = await _web.Client.GetAsync(_link);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        answer.Headers.Contains("Set-Cookie").ShouldBeFalse();
        using var head = await _web.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, _link));
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        IsBlocked.ShouldBeFalse();
    }

    /// <summary>As RFC 8058 requires: without a cookie, without opening the page first, and without a redirect in the response.</summary>
    [Fact]
    public async Task One_click_unsubscribe_of_a_mail_program_is_accepted()
    {
        using var mailProgram = _web.NewClient(handleCookies: false);
        foreach (var _ in Enumerable.Range(0, 2)) // a mail program may repeat the request if the response is lost
        {
            using var answer = await mailProgram.PostAsync(_link, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]));
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            IsBlocked.ShouldBeTrue();
        }
    }

    [Fact]
    public async Task One_click_unsubscribe_as_a_multipart_form_is_accepted()
    {
        using var mailProgram = _web.NewClient(handleCookies: false);
        using var body = new MultipartFormDataContent { { new StringContent("One-Click"), "List-Unsubscribe" } };
        using var answer = await mailProgram.PostAsync(_link, body);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        IsBlocked.ShouldBeTrue();
    }

    [Fact]
    public async Task Unsubscribe_page_unsubscribes_confirms_it_and_allows_mail_again()
    {
        using var done = await PressAsync(await _web.Client.GetStringAsync(_link), "Unsubscribe");
        IsBlocked.ShouldBeTrue();
        var page = await done.Content.ReadAsStringAsync();
        page.ShouldContain("You are unsubscribed");
        (await _web.Client.GetStringAsync(_link)).ShouldContain("You are unsubscribed"); // also when it is opened again

        using var undone = await PressAsync(page, "Allow mail again");
        IsBlocked.ShouldBeFalse();
        page = await undone.Content.ReadAsStringAsync();
        page.ShouldContain("You can get mail again");

        (await PressAsync(page, "Unsubscribe")).Dispose();
        IsBlocked.ShouldBeTrue();
    }

    [Fact]
    public async Task Invalid_unsubscribe_link_is_reported_and_changes_nothing()
    {
        _web.Service<SuppressionList>().Add(TestOptOuts.Tokens.NameOf("jane@example.com"));
        foreach (var bad in new[] { _link[..^1], _link + "A", "/never-again/x", "/never-again/jane@example.com" })
        {
            using var opened = await _web.Client.GetAsync(bad);
            opened.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            (await opened.Content.ReadAsStringAsync()).ShouldContain("This link is incomplete");
            using var clicked = await _web.Client.PostAsync(bad, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]));
            clicked.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            using var lifted = await _web.Client.PostAsync(bad + "?handler=Lift", null);
            lifted.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
        IsBlocked.ShouldBeTrue();
    }

    [Fact]
    public async Task Unsubscribe_page_asks_to_retry_while_the_suppression_list_is_unavailable()
    {
        using var web = new WebHost(migrate: false);
        using var opened = await web.Client.GetAsync(_link);
        opened.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        opened.Headers.RetryAfter.ShouldNotBeNull();
        using var clicked = await web.Client.PostAsync(_link, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]));
        clicked.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    public void Dispose() => _web.Dispose();

    private async Task<HttpResponseMessage> PressAsync(string page, string button)
    {
        var form = Form().Match(page);
        form.Groups["button"].Value.ShouldBe(button);
        var answer = await _web.Client.PostAsync(form.Groups["action"].Value, new FormUrlEncodedContent([]));
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return answer;
    }

    [GeneratedRegex("""<form[^>]*action="(?<action>[^"]+)"[^>]*>\s*<button type="submit">(?<button>[^<]+)</button>""")]
    private static partial Regex Form();
}
