using System.Diagnostics;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>A built program of another team, as a process on a free port.</summary>
internal sealed class HostedProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;

    private HostedProgram(Process process, Uri address) => (_process, Address, _output) = (process, address, process.StandardOutput.ReadToEndAsync());

    public Uri Address { get; }

    /// <param name="program">The path of the built program.</param>
    /// <param name="settings">Environment variables.</param>
    public static HostedProgram Start(string program, params (string Name, string Value)[] settings)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.TakeFree()}");
        var start = new ProcessStartInfo("dotnet", [program]) { RedirectStandardOutput = true, WorkingDirectory = Path.GetDirectoryName(program) };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development"; // as dotnet run does
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        return new HostedProgram(Process.Start(start)!, address);
    }

    /// <summary>A user who opens a page until it shows a text: while the program starts, nothing answers.</summary>
    public Task<Answer> SeeAsync(PageClient client, string path, string text) => SeeAsync(client, path, answer => answer.Text.Contains(text, StringComparison.Ordinal), text);

    /// <summary>A user who opens a page until it redirects.</summary>
    public Task<Answer> SeeRedirectAsync(PageClient client, string path) => SeeAsync(client, path, answer => answer.Location is not null, "a redirect");

    private async Task<Answer> SeeAsync(PageClient client, string path, Func<Answer, bool> isSeen, string what) => await Eventually.SeeAsync(
        async () =>
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"The program ended with {_process.ExitCode}: {await _output}");
            try
            {
                return await client.GetAsync(path);
            }
            catch (HttpRequestException)
            {
                return null;
            }
        },
        answer => answer is not null && isSeen(answer), $"{path} shows {what}", TimeSpan.FromMinutes(2)) ?? throw new UnreachableException();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
