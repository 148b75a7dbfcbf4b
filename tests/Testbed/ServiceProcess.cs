using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace WorkinIt.Testbed;

/// <summary>Web or Consumers as a process of its own, as it is published, with the settings of one test.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private readonly StringBuilder _log = new();
    private readonly Dictionary<string, string> _settings;
    private readonly string _name;
    private readonly Lock _gate = new(); // a test may ask for the one while it starts another
    private Process? _process;

    /// <summary>Prepares one; <see cref="StartAsync"/> starts it.</summary>
    /// <param name="name">Web or Consumers.</param>
    /// <param name="settings">By their names in the environment.</param>
    public ServiceProcess(string name, IReadOnlyDictionary<string, string> settings)
    {
        _name = name;
        Address = new Uri($"http://127.0.0.1:{FreePort.Take()}");
        _settings = new Dictionary<string, string>(settings)
        {
            ["ASPNETCORE_URLS"] = Address.ToString(),
            ["DOTNET_gcServer"] = "0",
        };
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    /// <summary>Where it listens; the same through restarts.</summary>
    public Uri Address { get; }

    /// <summary>Speaks to it; follows no redirect, keeps no cookie.</summary>
    public HttpClient Http { get; }

    /// <summary>All that it has written, through restarts.</summary>
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

    /// <summary>Runs it once, with arguments, to its end.</summary>
    /// <param name="arguments">For instance --deploy-topology.</param>
    /// <returns>Its exit code.</returns>
    public async Task<int> RunAsync(params string[] arguments)
    {
        Launch(arguments);
        await _process!.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Starts it without waiting.</summary>
    public void Launch(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(TestBroker.Required("WORKINIT_TEST_BIN"), _name, $"WorkinIt.{_name}.dll"), .. arguments])
        {
            WorkingDirectory = Path.Combine(TestBroker.Required("WORKINIT_TEST_BIN"), _name),
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
    /// <param name="health">live where what it stands on is broken on purpose.</param>
    public async Task StartAsync(string health = "ready")
    {
        Launch();
        await Eventually.SeeAsync(
            async () =>
            {
                if (!IsRunning)
                    throw new InvalidOperationException($"{_name} ended at its start:\n{Log}");
                using var response = await Http.GetAsync($"/health/{health}");
                return response.StatusCode;
            },
            status => status == HttpStatusCode.OK,
            $"{_name} is {health}");
    }

    /// <summary>Waits until <c>/health/ready</c> says so.</summary>
    /// <param name="ready">Whether it shall be ready.</param>
    /// <param name="within">How long to wait.</param>
    /// <returns>How long it took.</returns>
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

    /// <summary>SIGTERM: the orderly stop.</summary>
    /// <returns>How long it took.</returns>
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

    /// <summary>kill -9: the sudden death.</summary>
    public async Task KillAsync()
    {
        Process? process; // one of its own: another may be started while this one ends
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
        _process = null; // whoever started it may dispose it before the system does
        Http.Dispose();
    }

    private void Write(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
            _log.AppendLine(line.Data);
    }
}
