using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WorkinIt.Dev;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>One visitor's browser page, with the actions and elements that the tests use.</summary>
public sealed partial class Visit : IAsyncDisposable
{
    private static readonly string[] _wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

    private readonly IBrowserContext _context;
    private readonly List<string> _errors = [];

    internal Visit(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.PageError += (_, error) => _errors.Add(error);
        page.RequestFailed += (_, request) =>
        {
            // ERR_ABORTED: the request was cancelled by leaving the page. Refusals by a server or a policy have other error names.
            if (request.Failure != "net::ERR_ABORTED" && !request.Url.EndsWith("/events", StringComparison.Ordinal))
                _errors.Add($"{request.Url}: {request.Failure}");
        };
        // The browser itself logs a message for each failed request (400, 404); it is not an error of the page.
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                _errors.Add(message.Text);
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

    /// <summary>Fills in the form and submits it.</summary>
    /// <returns>The status of the response to the form's POST.</returns>
    public async Task<int> SendAsync(string email, string thought)
    {
        await Email.FillAsync(email);
        await Thought.FillAsync(thought);
        return await PostAsync(() => Button.ClickAsync());
    }

    /// <summary>Posts a form, and waits until the page that the response shows or redirects to has loaded.</summary>
    /// <param name="submit">Submits the form.</param>
    /// <returns>The status of the response to the POST.</returns>
    public async Task<int> PostAsync(Func<Task> submit)
    {
        // Not WaitForLoadStateAsync after the response: like WaitForURLAsync, it misses what happens between its check and its wait.
        var loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void OnLoad(object? sender, IPage page) => loaded.TrySetResult();
        Page.Load += OnLoad;
        try
        {
            var answer = await Page.RunAndWaitForResponseAsync(submit, response => response.Request.Method == "POST");
            await loaded.Task.WaitAsync(TimeSpan.FromSeconds(30));
            return answer.Status;
        }
        finally
        {
            Page.Load -= OnLoad;
        }
    }

    /// <summary>Waits until the page has loaded with its style sheet.</summary>
    public Task LoadedAsync() => LoadedAsync(Page);

    /// <inheritdoc cref="LoadedAsync()"/>
    public static async Task LoadedAsync(IPage page) => await Eventually.SeeAsync(
        async () =>
        {
            try
            {
                return await page.EvaluateAsync<string>("() => document.readyState");
            }
            catch (PlaywrightException) // the page was left at this moment
            {
                return "leaving";
            }
        },
        state => state == "complete", "the page has loaded");

    /// <summary>
    /// Opens a mail's HTML from the catcher. The catcher converts the HTML entities to UTF-8, but its response does not declare the charset. The catcher's
    /// own page does not need that, because it shows the mail in a frame's srcdoc.
    /// </summary>
    public async Task ReadMailAsync(Uri mail, bool images = true)
    {
        await Page.RouteAsync("**/blocked", route => route.FulfillAsync(new RouteFulfillOptions { Status = 404 }));
        await Page.RouteAsync(mail.AbsoluteUri, async route =>
        {
            var html = await (await route.FetchAsync()).TextAsync();
            // The catcher embeds the images in the page; most mail programs show no images at first.
            await route.FulfillAsync(new RouteFulfillOptions { Body = images ? html : ImageSource().Replace(html, "/blocked"), ContentType = "text/html; charset=utf-8" });
        });
        await Page.GotoAsync(mail.AbsoluteUri);
    }

    /// <summary>Waits for the page of a submission. Does not use WaitForURLAsync, which misses a navigation between its check and its wait.</summary>
    public Task SeeSubmissionAsync(string id = "") => Assertions.Expect(Page).ToHaveURLAsync(new Regex($"/submissions/{id}"), new PageAssertionsToHaveURLOptions { Timeout = 30_000 });

    /// <summary>Presses a key repeatedly until an element has the focus, as a keyboard user does.</summary>
    public async Task TabToAsync(ILocator target, string key = "Tab")
    {
        for (var presses = 0; presses < 20; presses++)
        {
            await Page.Keyboard.PressAsync(key);
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
                return;
        }
        throw new InvalidOperationException($"20 presses of {key} did not reach {target}");
    }

    /// <summary>Asserts that a page has no WCAG 2.2 AA violations that axe can detect, no layout defects and no errors.</summary>
    public async Task ShouldLookRightAsync()
    {
        await ShouldBeAccessibleAsync([.. _wcag, "best-practice"]);
        await ShouldHaveNoLayoutDefectsAsync();
        ShouldBeUntroubled();
    }

    /// <summary>As <see cref="ShouldLookRightAsync"/>, for a mail, which does not need landmarks or a heading.</summary>
    public async Task ShouldLookRightAsMailAsync()
    {
        await ShouldBeAccessibleAsync([.. _wcag]);
        await ShouldHaveNoLayoutDefectsAsync();
        ShouldBeUntroubled();
    }

    /// <summary>Asserts the accessibility of a third-party page except for known violations, each given by its rule and a part of its markup.</summary>
    public Task ShouldBeAccessibleButForAsync(params (string Rule, string Markup)[] known) => ShouldBeAccessibleAsync([.. _wcag], known);

    /// <summary>Asserts that no request failed and no script reported an error.</summary>
    public void ShouldBeUntroubled() => _errors.ShouldBeEmpty();

    /// <summary>Takes a picture for the README and docs, and writes it if WORKINIT_WRITE_PICTURES is 1.</summary>
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
    /// Takes a picture of a state, for reviewing changes of the style on a phone in light and dark mode. Does nothing unless WORKINIT_WRITE_PICTURES is 1.
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
        await LoadedAsync(); // after a click, the page may be present before its style sheet is loaded
        var result = await Page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = tags } });
        result.Passes.ShouldNotBeEmpty(); // proves that axe ran
        var violations = result.Violations.SelectMany(violation => violation.Nodes.Select(node => (violation.Id, violation.Help, node.Html)));
        violations.Where(violation => !known.Any(one => one.Rule == violation.Id && violation.Html.Contains(one.Markup, StringComparison.Ordinal)))
            .Select(violation => $"{violation.Id}: {violation.Help} {violation.Html}").ShouldBeEmpty();
    }

    /// <summary>
    /// Asserts that the page does not scroll sideways, that nothing is outside the viewport, that no text is cut off or overlaps other text, and that no click
    /// target is smaller than a finger needs (WCAG 2.5.8: 24 pixels; links within text are exempt).
    /// </summary>
    private async Task ShouldHaveNoLayoutDefectsAsync()
    {
        var defects = await Page.EvaluateAsync<string[]>("""
            () => {
              const root = document.documentElement, defects = [];
              const name = element => `<${element.tagName.toLowerCase()}${element.id ? ` id=${element.id}` : ''}> ${element.textContent.trim().slice(0, 30)}`;
              if (root.scrollWidth > root.clientWidth) defects.push(`the page is ${root.scrollWidth} pixels wide in a viewport of ${root.clientWidth}`);
              const shown = [...document.body.querySelectorAll('*')].filter(element => element.checkVisibility() && element.getClientRects().length > 0);
              const box = element => element.getBoundingClientRect();
              for (const element of shown) {
                const { left, right, width, height } = box(element), style = getComputedStyle(element);
                if (left < -0.5 || right > root.clientWidth + 0.5) defects.push(`outside the viewport: ${name(element)}`);
                if (style.display !== 'inline' && !element.matches('input, textarea') && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
                  defects.push(`cut off: ${name(element)}`);
                if (element.matches('a, button, input, textarea') && style.display !== 'inline' && (width < 24 || height < 24))
                  defects.push(`smaller than 24 pixels: ${name(element)}`);
              }
              const leaves = shown.filter(element => element.matches('h1, p, label, li, input, textarea, button, a, img'));
              leaves.forEach((one, index) => leaves.slice(index + 1).forEach(other => {
                if (one.contains(other) || other.contains(one)) return;
                const a = box(one), b = box(other);
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
                  defects.push(`${name(one)} overlaps ${name(other)}`);
              }));
              return defects;
            }
            """);
        defects.ShouldBeEmpty();
    }
}
