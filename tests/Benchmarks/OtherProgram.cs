using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Another program, such as a sink, a source or a peer. Its output goes to a file, so that reading it does not affect the measurement.</summary>
internal sealed class OtherProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _output;

    private OtherProgram(Process process, string output) => (_process, _output) = (process, output);

    public int Id => _process.Id;

    public static OtherProgram Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var output = Path.Combine(Path.GetTempPath(), $"workinit-bench-{Guid.NewGuid():N}.log");
        // The shell opens the file and then replaces itself with the program, so the process id is the program's.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >\"$OUTPUT\" 2>&1", program, .. arguments]);
        start.Environment["OUTPUT"] = output;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new OtherProgram(Process.Start(start)!, output);
    }

    /// <summary>Starts a program that listens on a port, and waits until it does.</summary>
    public static async Task<OtherProgram> StartListeningAsync(string program, IEnumerable<string> arguments, int port, IReadOnlyDictionary<string, string>? environment = null)
    {
        var started = Start(program, arguments, environment);
        await Eventually.SeeAsync(
            async () =>
            {
                if (started._process.HasExited)
                    throw new InvalidOperationException($"{program} exited during startup: {await started.OutputAsync()}");
                using var client = new TcpClient();
                try
                {
                    await client.ConnectAsync(IPAddress.Loopback, port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            listens => listens, $"{program} listens on {port}");
        return started;
    }

    /// <summary>Starts Postfix's smtp-sink, which accepts and discards mails.</summary>
    public static async Task<(OtherProgram Sink, int Port)> StartSinkAsync()
    {
        var port = Ports.TakeFree();
        string[] user = Environment.UserName == "root" ? ["-u", "nobody"] : [];
        return (await StartListeningAsync("/usr/sbin/smtp-sink", [.. user, string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "1024"], port), port);
    }

    /// <summary>Waits until the program exits.</summary>
    /// <returns>Its output.</returns>
    public async Task<string> EndAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode == 0 ? await OutputAsync() : throw new InvalidOperationException($"The program ended with {_process.ExitCode}: {await OutputAsync()}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        File.Delete(_output);
    }

    private Task<string> OutputAsync() => File.ReadAllTextAsync(_output);
}
