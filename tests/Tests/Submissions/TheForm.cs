using System.Net;

namespace WorkinIt.Tests.Submissions;

public sealed class TheForm(WebHost web) : IClassFixture<WebHost>
{
    [Fact]
    public async Task Leads_to_the_submissions_page()
    {
        using var response = await web.PostFormAsync("jane@example.com", "hello");
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await web.Client.GetStringAsync(response.Headers.Location)).ShouldContain("on its way");
    }

    [Fact]
    public async Task Keeps_the_text_and_names_the_field_after_an_error()
    {
        var thought = new string('x', 501);
        using var response = await web.PostFormAsync("jane@example.com", thought);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var page = await response.Content.ReadAsStringAsync();
        page.ShouldContain(thought);
        page.ShouldContain("""value="jane@example.com""");
        page.ShouldContain("""id="thought-error""");
        page.ShouldNotContain("""id="email-error""");
    }

    [Fact]
    public async Task Tells_a_screen_reader_which_field_is_wrong_and_why()
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
    public async Task Keeps_the_thought_as_it_was_typed(string thought)
    {
        using var response = await web.PostFormAsync("nobody", thought);
        var page = await response.Content.ReadAsStringAsync();
        var start = page.IndexOf('>', page.IndexOf("<textarea", StringComparison.Ordinal)) + 1;
        var text = page[start..page.IndexOf("</textarea>", start, StringComparison.Ordinal)];
        WebUtility.HtmlDecode(text).ReplaceLineEndings("\n")[1..].ShouldBe(thought); // a browser drops the first line break
    }

    [Fact]
    public async Task Shows_markup_as_text()
    {
        using var response = await web.PostFormAsync("nobody", "<script>alert(1)</script>");
        (await response.Content.ReadAsStringAsync()).ShouldContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    }

    [Fact]
    public async Task Without_its_token_is_refused_with_a_page_that_tells_what_to_do()
    {
        using var response = await web.Client.PostAsync("/", new FormUrlEncodedContent([new("email", "jane@example.com"), new("thought", "hello")]));
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadAsStringAsync()).ShouldContain("Open it again");
    }

    [Fact]
    public async Task Of_ten_megabytes_is_too_much()
    {
        using var response = await web.PostFormAsync("jane@example.com", new string('x', 10_000_000));
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await response.Content.ReadAsStringAsync()).ShouldContain("too much");
    }

    [Fact]
    public async Task Sent_twice_is_one_submission()
    {
        var form = await web.OpenFormAsync();
        using var first = await web.PostFormAsync("jane@example.com", "once", form);
        using var second = await web.PostFormAsync("jane@example.com", "once", form);
        second.Headers.Location.ShouldBe(first.Headers.Location);
    }

    [Fact]
    public async Task Sent_again_with_another_thought_is_another_submission()
    {
        var form = await web.OpenFormAsync();
        using var first = await web.PostFormAsync("jane@example.com", "one", form);
        using var second = await web.PostFormAsync("jane@example.com", "another", form);
        second.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        second.Headers.Location.ShouldNotBe(first.Headers.Location);
    }

    [Fact]
    public async Task Keeps_the_text_while_the_store_cant_commit()
    {
        using var broken = new WebHost(migrate: false);
        using var response = await broken.PostFormAsync("jane@example.com", "keep me");
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();
        (await response.Content.ReadAsStringAsync()).ShouldContain("keep me");
    }

    private static string Tag(string page, string start)
    {
        var from = page.IndexOf(start, StringComparison.Ordinal);
        return page[from..page.IndexOf('>', from)];
    }

    [Fact]
    public async Task A_page_that_is_not_there_says_so()
    {
        using var response = await web.Client.GetAsync($"/submissions/{Guid.NewGuid()}");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await response.Content.ReadAsStringAsync()).ShouldContain("Nothing here");
    }
}
