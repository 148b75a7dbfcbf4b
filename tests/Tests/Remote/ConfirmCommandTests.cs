using WorkinIt.Cli;
using WorkinIt.Cli.Mcp;

namespace WorkinIt.Tests.Remote;

/// <summary>The confirmation of a program's dry run.</summary>
public sealed class ConfirmCommandTests : IDisposable
{
    private const string Id = "9f2c4d7e8a1b";
    private readonly string _data = Directory.CreateTempSubdirectory("workinit-confirm-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)] // a person would type the number without having seen what is confirmed
    [InlineData(false, false, false)]
    public async Task Dry_run_is_confirmed_only_where_a_person_sees_it_and_types(bool isInteractive, bool isOutRedirected, bool confirms)
    {
        var folder = new DryRunFolder(Path.Combine(_data, "workinit", "dry-runs"));
        var dryRun = new ShownDryRun(Id, "replay all in orders_error", "3 in orders_error: 3 ready to replay", 3, "", DateTimeOffset.UtcNow.AddMinutes(5));
        folder.Write(dryRun);
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        using var input = new StringReader("3\n");
        var host = new CommandHost
        {
            Variable = name => name == "XDG_DATA_HOME" ? _data : null,
            In = input,
            Out = output,
            Error = errors,
            OpenOut = () => Stream.Null,
            IsInteractive = isInteractive,
            IsOutRedirected = isOutRedirected,
        };
        (await host.RunAsync(["dead-letters", "confirm", Id])).ShouldBe(confirms ? 0 : 2, $"{output}\n{errors}");
        folder.Confirmation(dryRun).ShouldBe(confirms ? Confirmation.Given : Confirmation.Missing);
        if (!confirms)
            errors.ToString().ShouldContain("on a terminal");
    }
}
