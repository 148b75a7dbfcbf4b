using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.Testbed;

/// <summary><c>workinit dead-letters serve</c> as a process, in an empty folder that is also its user's home, unless a setting HOME names another one.</summary>
public sealed partial class ServeProcess : IAsyncDisposable
{
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Process _process;

    private ServeProcess(Process process, string folder) => (_process, Folder) = (process, folder);

    /// <summary>The folder where it runs.</summary>
    public string Folder { get; }

    /// <summary>What it printed.</summary>
    public string Output => Read(_output);

    /// <summary>What it printed on standard error.</summary>
    public string Errors => Read(_errors);

    /// <summary>Starts the published tool.</summary>
    /// <param name="settings">Settings, by their environment variable names.</param>
    /// <param name="arguments">The arguments after <c>serve</c>.</param>
    public static ServeProcess Start(IReadOnlyDictionary<string, string> settings, params string[] arguments) =>
        Start("dotnet", [Path.Combine(TestBroker.Required("WORKINIT_TEST_BIN"), "Cli", "WorkinIt.Cli.dll"), "dead-letters", "serve", .. arguments], settings);

    /// <summary>Starts another copy of the tool.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">All its arguments.</param>
    /// <param name="settings">Settings, by their environment variable names.</param>
    public static ServeProcess Start(string program, string[] arguments, IReadOnlyDictionary<string, string> settings)
    {
        var folder = Directory.CreateTempSubdirectory("workinit-serve-").FullName;
        // A test run in the background of a shell ignores SIGINT, and so would its processes.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", program, .. arguments]) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HOME"] = folder;
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        start.Environment.Remove("XDG_DATA_HOME");
        var process = new Process { StartInfo = start };
        var serve = new ServeProcess(process, folder);
        process.OutputDataReceived += (_, line) => Append(serve._output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(serve._errors, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return serve;
    }

    /// <summary>Waits for a link.</summary>
    /// <param name="number">Which one of those that it printed, from 0.</param>
    public async Task<Uri> SeeLinkAsync(int number = 0)
    {
        await Eventually.SeeAsync(
            () => _process.HasExited ? throw new InvalidOperationException($"The server ended with {_process.ExitCode}: {Output}{Errors}") : Links().Count(Output) > number, "a link is printed");
        return new Uri(Links().Matches(Output)[number].Value);
    }

    /// <summary>Waits for the address, which has no token if users sign in.</summary>
    public async Task<Uri> SeeAddressAsync()
    {
        await Eventually.SeeAsync(
            () => _process.HasExited ? throw new InvalidOperationException($"The server ended with {_process.ExitCode}: {Output}{Errors}") : Address().IsMatch(Output), "the address is printed");
        return new Uri(Address().Match(Output).Value);
    }

    /// <summary>A browser that has opened the link.</summary>
    public async Task<PageClient> EnterAsync()
    {
        var link = await SeeLinkAsync();
        var client = new PageClient(new Uri(link.GetLeftPart(UriPartial.Authority)));
        await client.GetAsync(link.PathAndQuery);
        return client;
    }

    /// <summary>Presses Ctrl-C.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> InterruptAsync()
    {
        using (var kill = Process.Start("kill", ["-INT", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        return await ExitAsync();
    }

    /// <summary>Waits until it ends.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
            text.AppendLine(line);
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[0-9]+")]
    private static partial Regex Address();

    [GeneratedRegex(@"http://[^/\s]+/\?token=[0-9a-f]{64}")]
    private static partial Regex Links();
}
