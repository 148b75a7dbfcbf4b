using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

[Trait("broker", "any")] // tests the pages of the API
public sealed class ApiReferenceTests(Browser browser) : AtThePages(browser)
{
    // Scalar's own markup, which we can't fix. Its "Test Request" dialog has more violations of this kind (fields without a name, wrong roles),
    // so only the page itself is checked. The page shows curl commands for everything that the dialog does.
    private static readonly (string Rule, string Markup)[] _knownViolations =
    [
        ("aria-valid-attr-value", "copy-button"), // controls an element that is rendered later
        ("scrollable-region-focusable", "scalar-card-content"),
    ];

    [Fact]
    public async Task API_reference_shows_each_operation_sends_a_request_and_contacts_no_other_host()
    {
        var visit = await VisitAsync(width: 1200);
        var requestedUrls = new List<string>();
        visit.Page.Request += (_, request) => requestedUrls.Add(request.Url);
        await OpenAsync(visit);

        foreach (var (path, operation) in new[] { ("/submissions/{id}/events", "Watch a submission"), ("/api/submissions/{id}", "Get the state of a submission"), ("/api/submissions", "Submit a thought") })
        {
            await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = path }).First.ClickAsync(); // Scalar renders a section only when it is visible
            await Assertions.Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = operation })).ToBeVisibleAsync();
        }
        await visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Test Request (post /api/submissions)" }).ClickAsync();
        var answer = await visit.Page.RunAndWaitForResponseAsync(
            () => visit.Page.Locator("[data-addressbar-action=send]:visible").ClickAsync(), response => response.Request.Method == "POST");
        answer.Status.ShouldBe(202);

        requestedUrls.ShouldContain(url => url.EndsWith("/openapi/v1.json", StringComparison.Ordinal));
        requestedUrls.Where(url => !IsSameHost(new Uri(url))).ShouldBeEmpty();
        visit.ShouldBeUntroubled(); // a violation of the page's content security policy would be an error in the console
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1200)]
    [InlineData(ColorScheme.Dark, 320)]
    public async Task API_reference_is_accessible_except_for_third_party_parts(ColorScheme scheme, int width)
    {
        var visit = await VisitAsync(scheme, width);
        await OpenAsync(visit);
        await visit.ShouldBeAccessibleButForAsync(_knownViolations);
        await visit.StateAsync("api-reference", scheme);
    }

    private static async Task OpenAsync(Visit visit)
    {
        await visit.OpenFormAsync();
        await visit.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "API" }).ClickAsync();
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Submit a thought" }).First).ToBeVisibleAsync();
    }

    private bool IsSameHost(Uri address) => address.Scheme is "data" or "blob" || address.Authority == Browser.Web.Address.Authority;
}
