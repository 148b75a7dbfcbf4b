using System.Text.Json;
using Microsoft.Playwright;
using WorkinIt.Dev;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>Chromium, the services, and the mail catcher that ./test started.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] _arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly HttpClient _catcher = new() { BaseAddress = new Uri(TestBroker.Required("WORKINIT_TEST_MAIL")) };
    private WorkinItSystem? _system;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>The folder for screenshots of failed tests.</summary>
    public static string Screenshots { get; } = Path.Combine(Repository.Root, ".test", "screenshots");

    public WorkinItSystem System => _system!;

    public ServiceProcess Web { get; private set; } = null!;

    public Uri Catcher => _catcher.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        if (Directory.Exists(Screenshots))
            Directory.Delete(Screenshots, recursive: true);
        (_system, Web, _) = await WorkinItSystem.StartAsync(("Smtp__Port", TestBroker.Required("WORKINIT_TEST_SMTP_PORT")));
        Assertions.SetDefaultExpectTimeout(30_000); // milliseconds; long enough for a busy machine
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = TestBroker.Required("WORKINIT_TEST_CHROMIUM"),
            Args = _arguments,
        });
    }

    internal async Task<Visit> VisitAsync(BrowserNewContextOptions options)
    {
        var context = await _browser!.NewContextAsync(options);
        return new Visit(context, await context.NewPageAsync());
    }

    /// <summary>Waits for the mail to a recipient. Fails if there is more than one.</summary>
    /// <returns>The address of the mail's HTML in the catcher, with embedded images.</returns>
    public async Task<Uri> SeeMailToAsync(string recipient)
    {
        var mails = await Eventually.SeeAsync(
            async () => JsonDocument.Parse(await _catcher.GetStringAsync("/api/email")).RootElement.EnumerateArray()
                .Where(mail => mail.GetProperty("to")[0].GetProperty("address").GetString() == recipient).ToArray(),
            mails => mails.Length > 0,
            $"a mail to {recipient} in the catcher");
        return new Uri(Catcher, $"api/email/{mails.ShouldHaveSingleItem().GetProperty("id").GetString()}/html");
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        _catcher.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
    }
}
