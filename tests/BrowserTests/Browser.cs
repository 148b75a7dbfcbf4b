using System.Text.Json;
using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>Chromium, the services, and the mail catcher that ./test has started.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] _arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly HttpClient _catcher = new() { BaseAddress = new Uri(TestBroker.Required("WORKINIT_TEST_MAIL")) };
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public WorkinItSystem System { get; private set; } = null!;

    public ServiceProcess Web { get; private set; } = null!;

    public ServiceProcess Consumers { get; private set; } = null!;

    public Uri Catcher => _catcher.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        (System, Web, Consumers) = await WorkinItSystem.StartAsync(
            ("Smtp__Port", TestBroker.Required("WORKINIT_TEST_SMTP_PORT")), ("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"), ("Smtp__IdleTimeout", "00:00:05"));
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = TestBroker.Required("WORKINIT_TEST_CHROMIUM"),
            Args = _arguments,
        });
    }

    /// <summary>A page of a new person: no cookies. What goes wrong on it is collected.</summary>
    public async Task<Visit> VisitAsync(ColorScheme scheme = ColorScheme.Light, int width = 900, int height = 800, bool script = true)
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = Web.Address.ToString(),
            ColorScheme = scheme,
            JavaScriptEnabled = script,
            ViewportSize = new ViewportSize { Width = width, Height = height },
        });
        return new Visit(context, await context.NewPageAsync());
    }

    /// <summary>Waits for the one mail to a recipient, and gives its id in the catcher.</summary>
    public async Task<string> SeeMailToAsync(string recipient)
    {
        var mails = await Eventually.SeeAsync(
            async () => JsonDocument.Parse(await _catcher.GetStringAsync("/api/email")).RootElement.EnumerateArray()
                .Where(mail => mail.GetProperty("to")[0].GetProperty("address").GetString() == recipient).ToArray(),
            mails => mails.Length > 0,
            $"a mail to {recipient} in the catcher");
        return mails.ShouldHaveSingleItem().GetProperty("id").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        _catcher.Dispose();
        await System.DisposeAsync();
    }
}
