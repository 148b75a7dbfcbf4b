using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Mail;

/// <summary>dev/mail/catcher.</summary>
internal static class CatcherCommand
{
    private const string Usage = """
        The mail server of ./run --local and ./test: MailDev. It accepts every mail, shows it on a web page, and delivers none.

          dev/mail/catcher install      installs the packages of package-lock.json, if they are missing
          dev/mail/catcher start DIR
          dev/mail/catcher stop DIR

        Ports: WORKINIT_SMTP_PORT and WORKINIT_MAIL_PORT (the page), else those of DIR's last start, else 1025 and 1080.
        DIR/catcher.pid holds the process id, DIR/catcher.log the output. Stopping the catcher deletes the mails.
        """;

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        switch (arguments)
        {
            case ["--help" or "-h"]:
                return Verbs.Help(Usage);
            case ["install"]:
                await NodePackages.RequireNodeAsync();
                await MailCatcher.InstallAsync();
                return 0;
            case ["start", { Length: > 0 } folder]:
                await new MailCatcher(folder).StartAsync(Settings.Port("WORKINIT_SMTP_PORT"), Settings.Port("WORKINIT_MAIL_PORT"));
                return 0;
            case ["stop", { Length: > 0 } folder]:
                await new MailCatcher(folder).StopAsync();
                return 0;
            default:
                return Verbs.WrongUsage(Usage);
        }
    }
}
