using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.Tests.Submissions;

public sealed partial class SubmissionFormTests(WebHost web) : IClassFixture<WebHost>
{
    [Fact]
    public async Task Submitted_form_redirects_to_the_page_of_its_submission()
    {
        using var response = await web.PostFormAsync("jane@example.com", "hello");
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await web.Client.GetStringAsync(response.Headers.Location)).ShouldContain("on its way");
    }

    [Fact]
    public async Task Submission_page_shows_the_sender_what_was_typed_and_others_a_masked_address()
    {
        using var response = await web.PostFormAsync("jane.sender@example.com", "my <own> thought");
        var page = response.Headers.Location!;
        using var other = web.NewClient(handleCookies: false);

        (await web.Client.GetStringAsync(page)).ShouldSatisfyAllConditions(it => it.ShouldContain("To jane.sender@example.com"), it => it.ShouldContain("my &lt;own&gt; thought"));
        (await other.GetStringAsync(page)).ShouldSatisfyAllConditions(it => it.ShouldNotContain("jane.sender"), it => it.ShouldNotContain("my &lt;own&gt; thought"), it => it.ShouldContain("To j…@e…"));
    }

    [Fact]
    public async Task Sender_cookie_opens_no_other_submission_page()
    {
        using var theirs = await web.PostFormAsync("theirs@example.com", "not yours");
        using var client = web.NewClient(handleCookies: false);
        using var mine = await web.PostFormAsync("mine@example.com", "hello");
        var cookie = mine.Headers.GetValues("Set-Cookie").Single(it => it.StartsWith("sender=", StringComparison.Ordinal));
        cookie.ShouldSatisfyAllConditions(
            it => it.ShouldContain($"path={mine.Headers.Location}"), it => it.ShouldContain("httponly"), it => it.ShouldNotContain("mine@"), it => it.ShouldNotContain("hello"));

        foreach (var value in new[] { cookie.Split(';')[0], "sender=forged", "sender=" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, theirs.Headers.Location) { Headers = { { "Cookie", value } } };
            using var answer = await client.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK, value);
            (await answer.Content.ReadAsStringAsync()).ShouldSatisfyAllConditions(it => it.ShouldNotContain("theirs@"), it => it.ShouldNotContain("not yours"));
        }
    }

    [Theory]
    [InlineData("jane@example.com", "x501", "thought")]
    [InlineData("jane@example.com", " \n\t ", "thought")]
    [InlineData("jane@example.com", "", "thought")]
    [InlineData("jane@example.com", "\n\na bell \a on the third line", "thought")]
    [InlineData("jane", "hello", "email")]
    [InlineData("\"><script>alert(1)</script>", "hello", "email")]
    [InlineData("jane@example.com, joe@example.com", "</textarea><script>alert(1)</script>&lt;", "email")]
    public async Task Form_keeps_the_typed_text_and_names_the_invalid_field_after_an_error(string email, string thought, string field)
    {
        thought = thought == "x501" ? new string('x', 501) : thought;
        using var response = await web.PostFormAsync(email, thought);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var page = await response.Content.ReadAsStringAsync();
        var fields = FieldTags().Matches(page);
        fields.Select(match => match.Groups["name"].Value).ShouldBe(["email", "thought", "website"]);
        foreach (Match match in fields)
        {
            var invalid = match.Groups["name"].Value == field;
            match.Value.Contains("aria-invalid=\"true\"", StringComparison.Ordinal).ShouldBe(invalid, match.Value);
            match.Value.Contains($"aria-describedby=\"{match.Groups["name"].Value}-error", StringComparison.Ordinal).ShouldBe(invalid, match.Value);
            page.Contains($"id=\"{match.Groups["name"].Value}-error\"", StringComparison.Ordinal).ShouldBe(invalid);
        }
        WebUtility.HtmlDecode(EmailValue().Match(page).Groups["text"].Value).ShouldBe(email);
        WebUtility.HtmlDecode(ThoughtText().Match(page).Groups["text"].Value).ShouldBe(thought);
        page.ShouldNotContain("<script>");
    }

    [Theory]
    [InlineData("email=jane@example.com&email=joe@example.com&thought=hello", "email")]
    [InlineData("email=jane@example.com", "thought")]
    [InlineData("email=jane@example.com&thought=in latin-1: \u00e9", "thought")]
    [InlineData("email=jane@example.com%0d%0aBcc:%20joe@example.com&thought=hello", "email")]
    public async Task Form_error_names_a_duplicate_missing_or_malformed_field(string fields, string field)
    {
        var hidden = string.Join('&', (await web.OpenFormAsync()).Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value)}"));
        using var response = await web.Client.PostAsync("/", new ByteArrayContent(Encoding.Latin1.GetBytes($"{hidden}&{fields}"))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded") },
        });
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain($"id=\"{field}-error\"");
    }

    public static TheoryData<string?, string> Garbage => new()
    {
        { null, "email=jane@example.com" },
        { "text/plain", "email=jane@example.com" },
        { "multipart/form-data; boundary=x", "--y and no end" },
        { "multipart/form-data", "--y" },
        { "application/x-www-form-urlencoded", string.Join('&', Enumerable.Range(0, 3000).Select(number => $"f{number}=")) },
        { "application/x-www-form-urlencoded", new string('k', 10_000) + "=1" },
    };

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Malformed_form_post_is_rejected_with_an_error_page(string? contentType, string body)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        using var response = await web.Client.PostAsync("/", content);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain("Open it again");
    }

    [Fact]
    public async Task Form_error_is_announced_to_screen_readers_with_its_field_and_reason()
    {
        using var response = await web.PostFormAsync("", "hello");
        var page = await response.Content.ReadAsStringAsync();
        Tag(page, "<input id=\"email\"").ShouldContain("aria-invalid=\"true\"");
        Tag(page, "<input id=\"email\"").ShouldContain("aria-describedby=\"email-error\"");
        Tag(page, "<textarea").ShouldNotContain("aria-invalid");
        page.ShouldContain("role=\"alert\"");
        page.ShouldContain("<a href=\"#email\">");
    }

    [Theory]
    [InlineData("\n\nbegins with two empty lines")]
    [InlineData("</textarea><script>alert(1)</script>")]
    [InlineData("\"quotes\" & 'more' <b>")]
    [InlineData("😀 שלום")]
    public async Task Form_shows_the_thought_again_exactly_as_typed(string thought)
    {
        using var response = await web.PostFormAsync("nobody", thought);
        var page = await response.Content.ReadAsStringAsync();
        var start = page.IndexOf('>', page.IndexOf("<textarea", StringComparison.Ordinal)) + 1;
        var text = page[start..page.IndexOf("</textarea>", start, StringComparison.Ordinal)];
        WebUtility.HtmlDecode(text).ReplaceLineEndings("\n")[1..].ShouldBe(thought); // a browser drops the first line break
    }

    [Fact]
    public async Task Form_with_the_longest_valid_input_is_accepted()
    {
        using var response = await web.PostFormAsync($"{new string('a', 64)}@example.com", string.Concat(Enumerable.Repeat("😀", 500)));
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    [Fact]
    public async Task Form_with_an_invalid_id_gets_a_new_submission_id()
    {
        var hidden = new Dictionary<string, string>(await web.OpenFormAsync()) { ["id"] = "../etc" };
        using var response = await web.PostFormAsync("jane@example.com", "hello", hidden);
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        Guid.TryParse(response.Headers.Location!.ToString().Split('/')[^1], out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Form_without_its_antiforgery_token_is_rejected_with_advice()
    {
        using var response = await web.Client.PostAsync("/", new FormUrlEncodedContent([new("email", "jane@example.com"), new("thought", "hello")]));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain("Open it again");
    }

    [Fact]
    public async Task Form_post_of_ten_megabytes_is_rejected()
    {
        using var response = await web.PostFormAsync("jane@example.com", new string('x', 10_000_000));
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await response.Content.ReadAsStringAsync()).ShouldContain("too much");
    }

    [Fact]
    public async Task Form_sent_twice_creates_one_submission()
    {
        var form = await web.OpenFormAsync();
        using var first = await web.PostFormAsync("jane@example.com", "once", form);
        using var second = await web.PostFormAsync("jane@example.com", "once", form);
        second.Headers.Location.ShouldBe(first.Headers.Location);
    }

    [Fact]
    public async Task Form_sent_again_with_another_thought_creates_another_submission()
    {
        var form = await web.OpenFormAsync();
        using var first = await web.PostFormAsync("jane@example.com", "one", form);
        using var second = await web.PostFormAsync("jane@example.com", "another", form);
        second.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        second.Headers.Location.ShouldNotBe(first.Headers.Location);
    }

    [Fact]
    public async Task Form_posted_twenty_times_at_once_creates_one_submission()
    {
        var form = await web.OpenFormAsync();
        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => web.PostFormAsync("jane@example.com", "at once", form)));
        responses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.SeeOther);
        responses.Select(response => response.Headers.Location).Distinct().ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task Form_keeps_the_typed_text_while_the_store_cannot_commit(bool migrate, bool readOnly)
    {
        using var broken = new WebHost(migrate, readOnly);
        using var response = await broken.PostFormAsync("jane@example.com", "keep <me>");
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();
        var page = await response.Content.ReadAsStringAsync();
        ThoughtText().Match(page).Groups["text"].Value.ShouldBe("keep &lt;me&gt;");
        EmailValue().Match(page).Groups["text"].Value.ShouldBe("jane@example.com");
        page.ShouldContain("role=\"alert\"");
    }

    private static string Tag(string page, string start)
    {
        var from = page.IndexOf(start, StringComparison.Ordinal);
        return page[from..page.IndexOf('>', from)];
    }

    [Fact]
    public async Task Page_of_an_unknown_submission_returns_404_and_says_so()
    {
        using var response = await web.Client.GetAsync($"/submissions/{Guid.NewGuid()}");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await response.Content.ReadAsStringAsync()).ShouldContain("Page not found");
    }

    [GeneratedRegex("""<(input|textarea) id="(?<name>[^"]+)"[^>]*>""")]
    private static partial Regex FieldTags();

    [GeneratedRegex("""<input id="email"[^>]*\svalue="(?<text>[^"]*)"[^>]*>""")]
    private static partial Regex EmailValue();

    // A browser drops the first line break.
    [GeneratedRegex("<textarea[^>]*>\n(?<text>.*?)</textarea>", RegexOptions.Singleline)]
    private static partial Regex ThoughtText();
}
