using System.Globalization;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Mail;

/// <summary>The mail server of ./run --local and ./test: MailDev. It accepts every mail, shows it on a web page, and delivers none.</summary>
internal sealed class MailCatcher
{
    private const string MostKept = "10000"; // mails; the oldest are deleted

    private readonly string _folder;
    private readonly PidFile _pid;

    /// <summary>Creates the object for a folder, which may not exist yet.</summary>
    public MailCatcher(string folder)
    {
        _folder = Folders.Canonical(folder);
        _pid = new PidFile(Path.Combine(_folder, "catcher.pid"));
    }

    private static string Program => Path.Combine(Repository.Dev, "mail");

    private string Log => Path.Combine(_folder, "catcher.log");

    private string Mails => Path.Combine(_folder, "mails"); // by default, all catchers on a machine share /tmp/maildev, and leave mails there

    // The process id may have been reused, and a copied folder contains the id of the original's catcher. The command line identifies the process.
    private int? Running => _pid.Running is { } id && ProcessTable.Machine.HasArgument(id, Mails) ? id : null;

    /// <summary>Installs MailDev, if it is missing.</summary>
    public static Task InstallAsync(CancellationToken cancellation = default) => new NodePackages(Program).InstallAsync("the mail catcher", cancellation);

    /// <summary>Starts the catcher and waits until it responds. Does nothing if it runs.</summary>
    /// <param name="smtp">The SMTP port; null uses that of the last start, else 1025.</param>
    /// <param name="page">The port of the page; null uses that of the last start, else 1080.</param>
    /// <param name="keepMails">Whether to show the mails that an earlier catcher in this folder has kept; otherwise they are deleted.</param>
    /// <param name="cancellation">Cancels the wait.</param>
    /// <exception cref="ToolException">It did not start.</exception>
    public async Task StartAsync(int? smtp = null, int? page = null, bool keepMails = false, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(_folder);
        var (smtpPort, pagePort) = (smtp ?? Port("smtp.port") ?? 1025, page ?? Port("mail.port") ?? 1080);
        if (Running is not null)
        {
            Output.Say($"The mail catcher in {_folder} is running already.");
            return;
        }
        Ports.RefuseTaken("the mail catcher", smtpPort, "WORKINIT_SMTP_PORT");
        Ports.RefuseTaken("the mail catcher", pagePort, "WORKINIT_MAIL_PORT");
        await WriteAsync("smtp.port", smtpPort, cancellation);
        await WriteAsync("mail.port", pagePort, cancellation);
        await InstallAsync(cancellation);
        if (!keepMails)
            DeleteMails();
        Directory.CreateDirectory(Mails);
        using var process = CommandFor(smtpPort, pagePort).Start();
        _pid.Remember(process.Id);
        var isReady = false;
        await Wait.UntilAsync(
            TimeSpan.FromSeconds(60),
            async () => (isReady = await HttpProbe.AnswersOkAsync(pagePort, "/api/email") && Ports.IsTaken(smtpPort)) || !ProcessTable.Machine.IsRunning(process.Id),
            cancellation);
        if (isReady)
            return;
        Output.Warn($"The mail catcher did not start. The last lines of {Log}:");
        Output.WarnTail(Log);
        await StopAsync();
        throw new ToolException($"The mail catcher in {_folder} did not start.");
    }

    /// <summary>Stops the catcher.</summary>
    /// <param name="keepMails">Whether to keep the mails; otherwise they are deleted.</param>
    public async Task StopAsync(bool keepMails = false)
    {
        if (Running is { } id)
            await Ending.EndAsync(id, TimeSpan.FromSeconds(5));
        if (!Directory.Exists(_folder))
            return;
        _pid.Forget();
        if (!keepMails)
            DeleteMails();
    }

    private Command CommandFor(int smtp, int page) => new(
        "node", "node_modules/maildev/dist/bin/maildev.js", "--ip", "127.0.0.1", "--smtp", $"{smtp}", "--web-ip", "127.0.0.1", "--web", $"{page}", "--mail-directory", Mails, "--max-emails", MostKept)
    {
        Folder = Program,
        Log = Log,
        // MailDev also reads settings from the environment.
        Variables = Settings.StartingWith("MAILDEV_").ToDictionary(name => name, _ => (string?)null),
    };

    private int? Port(string file) => Path.Combine(_folder, file) is var path && File.Exists(path)
        && int.TryParse(File.ReadAllText(path).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    private Task WriteAsync(string file, int port, CancellationToken cancellation) =>
        File.WriteAllTextAsync(Path.Combine(_folder, file), string.Create(CultureInfo.InvariantCulture, $"{port}\n"), cancellation);

    private void DeleteMails()
    {
        if (Directory.Exists(Mails))
            Directory.Delete(Mails, recursive: true);
    }
}
