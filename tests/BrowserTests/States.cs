using WorkinIt.Testbed;

namespace WorkinIt.BrowserTests;

/// <summary>
/// Submissions that stay in each state. The mail server treats each recipient differently; at the end, Consumers are stopped, and then the binding of
/// their queue is removed. Also starts a Web without a store and a management API.
/// </summary>
public sealed class States : IAsyncLifetime
{
    public static readonly IReadOnlyList<string> Names = ["accepted", "queued", "delayed", "sent", "failed", "held"];

    private readonly Dictionary<string, Guid> _ids = [];
    private WorkinItSystem? _system;

    public WorkinItSystem System => _system!;

    public ServiceProcess Web { get; private set; } = null!;

    /// <summary>A Web that accepts one submission per minute and client.</summary>
    public ServiceProcess Limited { get; private set; } = null!;

    /// <summary>A Web whose store can't be read or written, and whose management API is unreachable.</summary>
    public ServiceProcess Broken { get; private set; } = null!;

    public Guid this[string state] => _ids[state];

    public async ValueTask InitializeAsync()
    {
        (_system, Web, var consumers) = await DeadLetterPages.StartAsync(("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        System.Mail.OnMail = mail => mail switch
        {
            { Recipient: "delayed@example.com" } => SmtpBehaviour.Reply(SmtpStage.Rcpt, 451, "Come back later"),
            { Recipient: "failed@example.com" } => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "No such mailbox"),
            { Recipient: "held@example.com" } => SmtpBehaviour.CutAfterDot,
            _ => null,
        };
        await Task.WhenAll(Names.Except(["accepted", "queued"]).Select(SubmitUntilAsync));
        await consumers.StopAsync();
        await SubmitUntilAsync("queued");
        await using (var channel = await System.VirtualHost.OpenChannelAsync())
            await channel.ExchangeUnbindAsync("send-gif-email", "WorkinIt.Contracts:SendGifEmail", "");
        await SubmitUntilAsync("accepted");

        System.Settings["Limits__PerClientPerMinute"] = "1";
        Limited = System.NewWeb();
        await Limited.StartAsync("live");
        System.Settings.Remove("Limits__PerClientPerMinute");

        System.Settings["ConnectionStrings__Submissions"] = $"Data Source={Path.Combine(System.Folder, "nothing.db")}";
        System.Settings["RabbitMqManagement__Url"] = "http://127.0.0.1:1";
        Broken = System.NewWeb();
        await Broken.StartAsync("live");
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }

    private async Task SubmitUntilAsync(string state)
    {
        var id = await WorkinItSystem.SubmitAsync(Web, $"{state}@example.com", $"{state}, and what now?");
        lock (_ids)
            _ids[state] = id;
        await Eventually.SeeAsync(async () => (await WorkinItSystem.StatusAsync(Web, id)).State, seen => seen == state, $"a submission in state {state}");
    }
}
