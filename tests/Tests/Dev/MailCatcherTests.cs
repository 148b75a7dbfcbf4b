using WorkinIt.Dev.Mail;

namespace WorkinIt.Tests.Dev;

public sealed class MailCatcherTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-catcher-").FullName;

    [Fact]
    public async Task Mails_are_kept_at_a_stop_of_run_and_deleted_at_a_stop_by_hand()
    {
        var mail = Path.Combine(_folder, "mails", "1.eml");
        Directory.CreateDirectory(Path.GetDirectoryName(mail)!);
        await File.WriteAllTextAsync(mail, "Subject: hello");
        var catcher = new MailCatcher(_folder);

        await catcher.StopAsync(keepMails: true);
        File.Exists(mail).ShouldBeTrue();
        await catcher.StopAsync();
        File.Exists(mail).ShouldBeFalse();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
