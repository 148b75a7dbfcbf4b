using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Running;

namespace WorkinIt.Tests.Dev;

/// <summary>A service of ./run, with a script in place of dotnet.</summary>
public sealed class LocalServiceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-run-").FullName;

    [Theory]
    [InlineData("exit 3", "Consumers ended unexpectedly (exit code 3)")]
    [InlineData("kill -9 $$", "Consumers ended unexpectedly (SIGKILL: by a user, or by the kernel because memory was short")]
    [InlineData("kill -6 $$", "Consumers ended unexpectedly (signal 6)")]
    public async Task Service_that_has_ended_is_named_with_its_exit_code_or_signal_and_its_log(string script, string text)
    {
        foreach (var folder in new[] { "bin/Consumers", "logs", "path" })
            Directory.CreateDirectory(Path.Combine(_folder, folder));
        var dotnet = Path.Combine(_folder, "path/dotnet");
        await File.WriteAllTextAsync(dotnet, $"#!/bin/sh\n{script}\n");
#pragma warning disable CA1416 // these tests run on Linux
        File.SetUnixFileMode(dotnet, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
#pragma warning restore CA1416
        var service = new LocalService("Consumers", _folder);

        service.Start(new Dictionary<string, string?> { ["PATH"] = $"{_folder}/path:{Environment.GetEnvironmentVariable("PATH")}" });

        (await Wait.UntilAsync(TimeSpan.FromSeconds(20), () => !service.IsRunning)).ShouldBeTrue();
        service.EndText.ShouldStartWith(text);
        service.EndText.ShouldContain(service.Log);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
