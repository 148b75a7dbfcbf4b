using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>One person at the pages: what they do, in their words.</summary>
public sealed partial class Visit : IAsyncDisposable
{
    private static readonly string[] _wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

    private readonly IBrowserContext _context;
    private readonly List<string> _troubles = [];

    internal Visit(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.PageError += (_, error) => _troubles.Add(error);
        page.RequestFailed += (_, request) =>
        {
            // Cut off by whoever leaves the page. What a server or a policy refuses has another name.
            if (request.Failure != "net::ERR_ABORTED" && !request.Url.EndsWith("/events", StringComparison.Ordinal))
                _troubles.Add($"{request.Url}: {request.Failure}");
        };
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

    public ILocator Button => Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Send me a GIF" });

    public ILocator Heading => Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Level = 1 });

    public ILocator Notice => Page.GetByRole(AriaRole.Alert);

    public ILocator Status => Page.GetByRole(AriaRole.Status);

    public Task<IResponse?> OpenFormAsync() => Page.GotoAsync("/");

    /// <summary>Fills in the form and sends it.</summary>
    /// <returns>The status of the answer to the form itself.</returns>
    public async Task<int> SendAsync(string email, string thought)
    {
        await Email.FillAsync(email);
        await Thought.FillAsync(thought);
        var loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Page.Load += (_, _) => loaded.TrySetResult();
        var answer = await Page.RunAndWaitForResponseAsync(() => Button.ClickAsync(), response => response.Request.Method == "POST");
        await loaded.Task.WaitAsync(TimeSpan.FromSeconds(30)); // what the answer shows or leads to
        return answer.Status;
    }

    /// <summary>
    /// Opens a mail's HTML from the catcher. The catcher has turned the entities of it into UTF-8, but its answer does not say so; its own
    /// page needs no such word, for there the mail stands in a frame's srcdoc.
    /// </summary>
    public async Task ReadMailAsync(Uri mail, bool images = true)
    {
        await Page.RouteAsync("**/blocked", route => route.FulfillAsync(new RouteFulfillOptions { Status = 404 }));
        await Page.RouteAsync(mail.AbsoluteUri, async route =>
        {
            var html = await (await route.FetchAsync()).TextAsync();
            // The catcher has put the pictures into the page itself; most mail programs show none at first.
            await route.FulfillAsync(new RouteFulfillOptions { Body = images ? html : ImageSource().Replace(html, "/blocked"), ContentType = "text/html; charset=utf-8" });
        });
        await Page.GotoAsync(mail.AbsoluteUri);
    }

    /// <summary>Waits for the page of a submission. Not by WaitForURLAsync, which misses an arrival between its look and its waiting.</summary>
    public Task SeeSubmissionAsync(string id = "") => Assertions.Expect(Page).ToHaveURLAsync(new Regex($"/submissions/{id}"), new PageAssertionsToHaveURLOptions { Timeout = 30_000 });

    /// <summary>Presses a key again and again until something has the focus, as who uses no mouse does.</summary>
    public async Task TabToAsync(ILocator target, string key = "Tab")
    {
        for (var presses = 0; presses < 20; presses++)
        {
            await Page.Keyboard.PressAsync(key);
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
                return;
        }
        throw new InvalidOperationException($"{key} never came to {target}");
    }

    /// <summary>A page of ours: WCAG 2.2 AA as far as axe can tell, nothing out of place, nothing broken.</summary>
    public async Task ShouldLookRightAsync()
    {
        await ShouldBeAccessibleAsync([.. _wcag, "best-practice"]);
        await ShouldLieRightAsync();
        ShouldBeUntroubled();
    }

    /// <summary>A mail, which has no landmarks and no heading, and needs none.</summary>
    public async Task ShouldLookRightAsMailAsync()
    {
        await ShouldBeAccessibleAsync([.. _wcag]);
        await ShouldLieRightAsync();
        ShouldBeUntroubled();
    }

    /// <summary>A page of somebody else's, whose own violations are known: rule, and what the markup has in it.</summary>
    public Task ShouldBeAccessibleButForAsync(params (string Rule, string Markup)[] known) => ShouldBeAccessibleAsync([.. _wcag], known);

    /// <summary>Nothing failed to load and no script broke.</summary>
    public void ShouldBeUntroubled() => _troubles.ShouldBeEmpty();

    /// <summary>A picture for README and docs, written when WORKINIT_WRITE_PICTURES is 1; taken in any case.</summary>
    public async Task PictureAsync(string name, int? height = null)
    {
        if (height is { } pixels)
            await Page.SetViewportSizeAsync(Page.ViewportSize!.Width, pixels);
        var picture = await Page.ScreenshotAsync();
        picture.Length.ShouldBeInRange(5_000, 200_000);
        if (WritesPictures)
            await File.WriteAllBytesAsync(Path.Combine(Directory.CreateDirectory(Pictures).FullName, $"{name}.png"), picture);
    }

    /// <summary>
    /// A picture of a state for who changes the looks, on a phone by day and by night; taken when WORKINIT_WRITE_PICTURES is 1.
    /// </summary>
    public async Task StateAsync(string name, ColorScheme scheme)
    {
        if (!WritesPictures)
            return;
        var folder = Directory.CreateDirectory(Path.Combine(Pictures, "states")).FullName;
        await Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, $"{name}{(scheme == ColorScheme.Dark ? "-dark" : "")}.png") });
    }

    private static string Pictures { get; } = Path.Combine(Repository.Root, "docs", "pictures");

    internal static bool WritesPictures { get; } = Environment.GetEnvironmentVariable("WORKINIT_WRITE_PICTURES") == "1";

    [GeneratedRegex("""(?<=<img\s[^>]*\bsrc=")[^"]*""")]
    private static partial Regex ImageSource();

    internal Task ScreenshotAsync(string path) => Page.ScreenshotAsync(new PageScreenshotOptions { Path = path, FullPage = true });

    public ValueTask DisposeAsync() => _context.DisposeAsync();

    private Task ShouldBeAccessibleAsync(List<string> tags) => ShouldBeAccessibleAsync(tags, []);

    private async Task ShouldBeAccessibleAsync(List<string> tags, (string Rule, string Markup)[] known)
    {
        await Page.WaitForLoadStateAsync(); // a page that was clicked to is there before its style sheet
        var result = await Page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = tags } });
        result.Passes.ShouldNotBeEmpty(); // it did look
        var violations = result.Violations.SelectMany(violation => violation.Nodes.Select(node => (violation.Id, violation.Help, node.Html)));
        violations.Where(violation => !known.Any(one => one.Rule == violation.Id && violation.Html.Contains(one.Markup, StringComparison.Ordinal)))
            .Select(violation => $"{violation.Id}: {violation.Help} {violation.Html}").ShouldBeEmpty();
    }

    /// <summary>
    /// No scrolling sideways, nothing beyond the edges, no text cut off or over other text, nothing to click that is smaller than a finger
    /// needs (WCAG 2.5.8: 24 pixels; links within text excepted).
    /// </summary>
    private async Task ShouldLieRightAsync()
    {
        var defects = await Page.EvaluateAsync<string[]>("""
            () => {
              const root = document.documentElement, defects = [];
              const name = element => `<${element.tagName.toLowerCase()}${element.id ? ` id=${element.id}` : ''}> ${element.textContent.trim().slice(0, 30)}`;
              if (root.scrollWidth > root.clientWidth) defects.push(`the page is ${root.scrollWidth} wide on a screen of ${root.clientWidth}`);
              const shown = [...document.body.querySelectorAll('*')].filter(element => element.checkVisibility() && element.getClientRects().length > 0);
              const box = element => element.getBoundingClientRect();
              for (const element of shown) {
                const { left, right, width, height } = box(element), style = getComputedStyle(element);
                if (left < -0.5 || right > root.clientWidth + 0.5) defects.push(`beyond the edge: ${name(element)}`);
                if (style.display !== 'inline' && !element.matches('input, textarea') && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
                  defects.push(`cut off: ${name(element)}`);
                if (element.matches('a, button, input, textarea') && style.display !== 'inline' && (width < 24 || height < 24))
                  defects.push(`small: ${name(element)}`);
              }
              const leaves = shown.filter(element => element.matches('h1, p, label, li, input, textarea, button, a, img'));
              leaves.forEach((one, index) => leaves.slice(index + 1).forEach(other => {
                if (one.contains(other) || other.contains(one)) return;
                const a = box(one), b = box(other);
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
                  defects.push(`${name(one)} lies over ${name(other)}`);
              }));
              return defects;
            }
            """);
        defects.ShouldBeEmpty();
    }
}
