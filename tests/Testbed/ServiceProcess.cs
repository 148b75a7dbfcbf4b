using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Testbed;

/// <summary>The published Web or Consumers as a process, with the settings of one test.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private readonly StringBuilder _log = new();
    private readonly Dictionary<string, string> _settings;
    private readonly string _name;
    private readonly string? _services;
    private readonly Lock _gate = new(); // a test may read _process while it starts another process
    private Process? _process;

    /// <summary>Prepares a process; <see cref="StartAsync"/> starts it.</summary>
    /// <param name="name">Web or Consumers.</param>
    /// <param name="settings">Settings, by their environment variable names.</param>
    /// <param name="services">The folder with the published services; null uses those of ./test or ./bench.</param>
    public ServiceProcess(string name, IReadOnlyDictionary<string, string> settings, string? services = null)
    {
        _name = name;
        _services = services;
        Address = new Uri($"http://127.0.0.1:{Ports.TakeFree()}");
        _settings = new Dictionary<string, string>(settings)
        {
            ["ASPNETCORE_URLS"] = Address.ToString(),
            ["DOTNET_gcServer"] = "0",
        };
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    /// <summary>The address where it listens; stays the same across restarts.</summary>
    public Uri Address { get; }

    /// <summary>A client for it that does not follow redirects and does not keep cookies.</summary>
    public HttpClient Http { get; }

    /// <summary>Its complete output, across restarts.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Its process id while it runs.</summary>
    public int Id => _process!.Id;

    /// <summary>Whether it runs.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
                return _process is { HasExited: false };
        }
    }

    /// <summary>Runs it once with arguments, and waits until it exits.</summary>
    /// <param name="arguments">The arguments, such as --deploy-topology.</param>
    /// <returns>Its exit code.</returns>
    public async Task<int> RunAsync(params string[] arguments)
    {
        Launch(arguments);
        await _process!.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Starts it without waiting until it is ready.</summary>
    public void Launch(params string[] arguments)
    {
        var folder = Path.Combine(_services ?? TestBroker.Required("WORKINIT_TEST_BIN"), _name);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, $"WorkinIt.{_name}.dll"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (variable, value) in _settings)
            start.Environment[variable] = value;
        lock (_gate)
        {
            var process = new Process { StartInfo = start };
            process.OutputDataReceived += Write;
            process.ErrorDataReceived += Write;
            process.Start();
            _process = process;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="health">The health check to wait for; pass live if a dependency is broken on purpose.</param>
    public async Task StartAsync(string health = "ready")
    {
        Launch();
        await Eventually.SeeAsync(
            async () =>
            {
                if (!IsRunning)
                    throw new InvalidOperationException($"{_name} exited during startup:\n{Log}");
                using var response = await Http.GetAsync($"/health/{health}");
                return response.StatusCode;
            },
            status => status == HttpStatusCode.OK,
            $"{_name} is {health}");
    }

    /// <summary>Waits until <c>/health/ready</c> reports the expected state.</summary>
    /// <param name="ready">The expected state.</param>
    /// <param name="within">The time limit.</param>
    /// <returns>The time it took.</returns>
    public async Task<TimeSpan> SeeReadyAsync(bool ready, TimeSpan within)
    {
        var clock = Stopwatch.StartNew();
        await Eventually.SeeAsync(
            async () =>
            {
                using var response = await Http.GetAsync("/health/ready");
                return response.StatusCode;
            },
            status => status == (ready ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable), $"{_name} is {(ready ? "" : "not ")}ready", within);
        return clock.Elapsed;
    }

    /// <summary>Stops it gracefully with SIGTERM.</summary>
    /// <returns>The time it took.</returns>
    public async Task<TimeSpan> StopAsync()
    {
        if (!IsRunning)
            return TimeSpan.Zero;
        var clock = Stopwatch.StartNew();
        using (var kill = Process.Start("kill", ["-TERM", Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        await _process!.WaitForExitAsync();
        return clock.Elapsed;
    }

    /// <summary>Kills it with SIGKILL.</summary>
    public async Task KillAsync()
    {
        Process? process; // a local copy: another process may be started while this one ends
        lock (_gate)
            process = _process;
        if (process is not { HasExited: false })
            return;
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
        _process = null; // a test may dispose it before the system does
        Http.Dispose();
    }

    private void Write(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
            _log.AppendLine(line.Data);
    }
}
