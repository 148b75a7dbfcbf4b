using Microsoft.Playwright;
using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>WorkinIt with the dead-letter pages, and a mail server that refuses some recipients.</summary>
public class DeadLetterSite : IAsyncLifetime
{
    public const string Errors = "send-gif-email_error";

    private WorkinItSystem? _system;
    private List<Cookie> _cookies = [];

    public WorkinItSystem System => _system!;

    public ServiceProcess Web { get; private set; } = null!;

    /// <summary>Whether the mail server accepts mails to full.example, which it refuses at first.</summary>
    public bool IsMended { get; set; }

    /// <summary>Whether the pages have a catalogue, so that they start with the board.</summary>
    protected virtual bool HasCatalogue => false;

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(_system);
        if (HasCatalogue)
            _system.Settings["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(_system.Folder, "catalogue.db")}";
        (Web, _) = await _system.StartServicesAsync(("Retry__Limit", "0"));
        // The management API lags by some seconds. Until it shows the consumer, each dry run warns that there is none.
        await Eventually.SeeAsync(
            async () => (await System.VirtualHost.ManagementAsync("queues/{vhost}/send-gif-email")).TryGetProperty("consumers", out var consumers) && consumers.GetInt32() > 0, found => found, "the management API shows the consumer of send-gif-email");
        System.Mail.OnMail = mail => mail.Recipient switch
        {
            { } recipient when recipient.EndsWith("@wrong.example", StringComparison.Ordinal) => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 No such mailbox"),
            { } recipient when recipient.EndsWith("@full.example", StringComparison.Ordinal) && !IsMended => SmtpBehaviour.Reply(SmtpStage.Rcpt, 552, "5.2.2 Mailbox full"),
            _ => null,
        };
    }

    /// <summary>Empties the queues of a previous test, and dead-letters one submission for each recipient.</summary>
    public async Task<IReadOnlyList<Guid>> FailAsync(params string[] recipients)
    {
        IsMended = false;
        foreach (var queue in new[] { Errors, "send-gif-email_discarded" })
        {
            if (await System.VirtualHost.ReadyAsync(queue) > 0)
                await System.VirtualHost.TakeAllAsync(queue);
        }
        var ids = new List<Guid>();
        foreach (var recipient in recipients) // one at a time, to keep the order
        {
            ids.Add(await WorkinItSystem.SubmitAsync(Web, recipient, "Monday morning, and no coffee left"));
            await System.SeeReadyAsync(Errors, ids.Count);
        }
        return ids;
    }

    /// <summary>Opens a page and signs in there. Later visits reuse the cookie of the first, because sign-in attempts are limited.</summary>
    public async Task SignInAsync(Visit visit, string path)
    {
        if (_cookies.Count > 0)
            await visit.Page.Context.AddCookiesAsync(_cookies);
        await visit.Page.GotoAsync(path);
        if (_cookies.Count == 0)
        {
            await visit.Page.GetByLabel("RabbitMQ user").FillAsync("operator");
            await visit.Page.GetByLabel("Password").FillAsync("operator");
            await visit.ClickAsync("Sign in");
        }
        await Assertions.Expect(visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign out" })).ToBeVisibleAsync();
        if (_cookies.Count == 0)
        {
            _cookies = [.. (await visit.Page.Context.CookiesAsync()).Where(cookie => cookie.Name == "WorkinIt.Operator")
                .Select(cookie => new Cookie { Name = cookie.Name, Value = cookie.Value, Domain = cookie.Domain, Path = cookie.Path, HttpOnly = cookie.HttpOnly, SameSite = cookie.SameSite })];
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

internal static class DeadLetterVisits
{
    public static Task ClickAsync(this Visit visit, string button) =>
        visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = button }).First.ClickAsync();

    public static Task SeeHeadingAsync(this Visit visit, string heading) => Assertions.Expect(visit.Heading).ToContainTextAsync(heading, new LocatorAssertionsToContainTextOptions { Timeout = 90_000 });
}
