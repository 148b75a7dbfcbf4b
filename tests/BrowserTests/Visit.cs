using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>One person at the pages: what they do, in their words.</summary>
public sealed partial class Visit : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _troubles = [];

    internal Visit(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.PageError += (_, error) => _troubles.Add(error);
        page.RequestFailed += (_, request) => _troubles.Add($"{request.Url}: {request.Failure}");
        // A message for the failed request itself (400, 404) is the browser's, not the page's.
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                _troubles.Add(message.Text);
        };
    }

    public IPage Page { get; }

    public ILocator Email => Page.GetByLabel("E-mail address");

    public ILocator Thought => Page.GetByLabel("Thought");

    public ILocator Heading => Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Level = 1 });

    public Task<IResponse?> OpenFormAsync() => Page.GotoAsync("/");

    public async Task SendAsync(string email, string thought)
    {
        await Email.FillAsync(email);
        await Thought.FillAsync(thought);
        await Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Send me a GIF" }).ClickAsync();
    }

    /// <summary>The submission's page, by its address: asked for again and again, so that no event can be missed.</summary>
    public Task ShouldArriveAsync() =>
        Assertions.Expect(Page).ToHaveURLAsync(SubmissionAddress(), new PageAssertionsToHaveURLOptions { Timeout = 30_000 });

    [GeneratedRegex("/submissions/[0-9a-f-]{36}$")]
    private static partial Regex SubmissionAddress();

    /// <summary>WCAG 2.2 AA, as far as axe can tell.</summary>
    public async Task ShouldBeAccessibleAsync()
    {
        var result = await Page.RunAxe(new AxeRunOptions
        {
            RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
        });
        result.Violations.Select(violation => $"{violation.Id}: {violation.Help} {string.Join(", ", violation.Nodes.Select(node => node.Html))}").ShouldBeEmpty();
    }

    public async Task ShouldNotScrollSidewaysAsync() =>
        (await Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBe(0);

    /// <summary>Nothing failed to load and no script broke.</summary>
    public void ShouldBeUntroubled() => _troubles.ShouldBeEmpty();

    /// <summary>A picture for README and docs, written when WORKINIT_WRITE_PICTURES is 1; looked at in any case.</summary>
    public async Task PictureAsync(string name)
    {
        var picture = await Page.ScreenshotAsync();
        picture.Length.ShouldBeGreaterThan(5_000);
        if (Environment.GetEnvironmentVariable("WORKINIT_WRITE_PICTURES") == "1")
            await File.WriteAllBytesAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Root, "docs", "pictures")).FullName, $"{name}.png"), picture);
    }

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            await Page.ScreenshotAsync(new PageScreenshotOptions
            {
                Path = Path.Combine(Repository.Root, ".test", "screenshots", $"{TestContext.Current.TestCase?.TestMethodName}.png"),
            });
        await _context.DisposeAsync();
    }
}
