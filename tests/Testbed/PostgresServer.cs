using System.Diagnostics;
using System.Globalization;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Testbed;

/// <summary>A PostgreSQL server for one test, from the system's package, with its data in a separate folder.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-postgres-").FullName;
    private readonly int _port = Ports.TakeFree();

    private PostgresServer()
    {
    }

    /// <summary>The value for ConnectionStrings__Submissions and ConnectionStrings__Deliveries.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres");

    /// <summary>Creates and starts a server with no tables.</summary>
    public static async Task<PostgresServer> CreateAsync()
    {
        var server = new PostgresServer();
        if (Environment.UserName == "root") // PostgreSQL refuses to run as root
            await RunAsync("chown", ["postgres", server._folder]);
        await RunAsync(Program("initdb"), ["-D", server._folder, "-U", "postgres", "-A", "trust"], asPostgres: true);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts the server and waits until it responds.</summary>
    public Task StartAsync() => RunAsync(
        Program("pg_ctl"),
        [
            "-D", _folder, "-w", "-l", Path.Combine(_folder, "log"), "-o",
            string.Create(CultureInfo.InvariantCulture, $"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={_folder}"), "start",
        ],
        asPostgres: true);

    /// <summary>Stops the server immediately, without a checkpoint, as a power failure would.</summary>
    public Task StopAsync() => RunAsync(Program("pg_ctl"), ["-D", _folder, "-w", "-m", "immediate", "stop"], asPostgres: true);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Program(string name) =>
        Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin", name)).LastOrDefault(File.Exists)
        ?? throw new InvalidOperationException($"{name} is missing: install the package postgresql, or run these tests with ./test, which installs it");

    private static async Task RunAsync(string program, string[] arguments, bool asPostgres = false)
    {
        var start = asPostgres && Environment.UserName == "root"
            ? new ProcessStartInfo("setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.WorkingDirectory = "/";
        start.RedirectStandardError = true;
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync(); // not awaited: the server inherits the pipe and keeps it open
        _ = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
