using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>A base class for browser tests. If a test fails, screenshots of its open pages are saved in .test/screenshots.</summary>
public abstract class AtThePages(Browser browser) : IAsyncDisposable
{
    private readonly List<Visit> _visits = [];

    public static TheoryData<ColorScheme, int> Screens => new()
    {
        { ColorScheme.Light, 320 }, { ColorScheme.Dark, 320 }, { ColorScheme.Light, 1200 }, { ColorScheme.Dark, 1200 },
    };

    protected Browser Browser => browser;

    /// <summary>Opens a page as a new visitor, without cookies. The visit collects errors of the page.</summary>
    protected async Task<Visit> VisitAsync(ColorScheme scheme = ColorScheme.Light, int width = 900, int height = 800, bool script = true, Uri? at = null)
    {
        var visit = await browser.VisitAsync(new BrowserNewContextOptions
        {
            BaseURL = (at ?? browser.Web.Address).ToString(),
            ColorScheme = scheme,
            JavaScriptEnabled = script,
            ViewportSize = new ViewportSize { Width = width, Height = height },
        });
        _visits.Add(visit);
        return visit;
    }

    // The result of the test is available only here, after the test.
    public async ValueTask DisposeAsync()
    {
        var failed = TestContext.Current.TestState?.Result == TestResult.Failed;
        foreach (var (number, visit) in _visits.Index())
        {
            if (failed)
                await visit.ScreenshotAsync(Path.Combine(Browser.Screenshots, $"{Name()}.{number + 1}.png"));
            await visit.DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }

    private static string Name() =>
        string.Concat($"{TestContext.Current.Test?.TestDisplayName}".Select(character => char.IsLetterOrDigit(character) ? character : '_'));
}
