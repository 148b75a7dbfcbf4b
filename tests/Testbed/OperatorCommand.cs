using System.Diagnostics;
using System.Text;
using System.Text.Json;
using WorkinIt.Cli;

namespace WorkinIt.Testbed;

/// <summary>
/// The command-line tool of operators. It runs in the process of the tests, which saves one process each; a test of what only a process has (signals, standard
/// streams) runs the published tool.
/// </summary>
/// <param name="settings">Settings, by their environment variable names.</param>
public sealed class OperatorCommand(IReadOnlyDictionary<string, string> settings)
{
    /// <summary>Creates the command with the settings of an operator of a system: the RabbitMQ user replay, and the ledger.</summary>
    /// <param name="system">The system.</param>
    /// <param name="settings">Settings that override the defaults.</param>
    public static OperatorCommand Of(WorkinItSystem system, params (string Name, string Value)[] settings)
    {
        var defaults = DefaultSettings(system);
        foreach (var (name, value) in settings)
            defaults[name] = value;
        return new OperatorCommand(defaults);
    }

    /// <summary>The settings of an operator of a system, by their environment variable names.</summary>
    /// <param name="system">The system.</param>
    public static Dictionary<string, string> DefaultSettings(WorkinItSystem system) => new()
    {
        ["ConnectionStrings__RabbitMq"] = system.VirtualHost.ConnectionString("replay"),
        ["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString(),
        ["ConnectionStrings__Deliveries"] = system.Settings.GetValueOrDefault("ConnectionStrings__Deliveries", $"Data Source={Path.Combine(system.Folder, "deliveries.db")}"),
        ["ConnectionStrings__Submissions"] = system.Settings.GetValueOrDefault("ConnectionStrings__Submissions", $"Data Source={Path.Combine(system.Folder, "submissions.db")}"),
        ["OptOut__Secret"] = WorkinItSystem.OptOutSecret,
        ["DeadLetters__AuditFile"] = Path.Combine(system.Folder, "audit.jsonl"),
        ["WORKINIT_OPERATOR"] = "jane",
    };

    /// <summary>Starts the published tool.</summary>
    /// <param name="arguments">The command-line arguments.</param>
    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(TestBroker.Required("WORKINIT_TEST_BIN"), "Cli", "WorkinIt.Cli.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs the published tool and waits until it exits.</summary>
    /// <param name="arguments">The command-line arguments.</param>
    public async Task<CommandResult> RunProcessAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return new CommandResult(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs the command with a text as standard input.</summary>
    /// <param name="input">The standard input.</param>
    /// <param name="arguments">The command-line arguments.</param>
    public Task<CommandResult> RunWithAsync(string input, params string[] arguments) => RunAsync(new StringReader(input), isTerminal: false, arguments);

    /// <summary>Runs the command as on a terminal.</summary>
    /// <param name="input">What its user types.</param>
    /// <param name="arguments">The command-line arguments.</param>
    public Task<CommandResult> RunOnTerminalAsync(TextReader input, params string[] arguments) => RunAsync(input, isTerminal: true, arguments);

    private async Task<CommandResult> RunAsync(TextReader input, bool isTerminal, string[] arguments)
    {
        var bytes = new MemoryStream();
        await using var output = new StreamWriter(bytes, new UTF8Encoding(false), leaveOpen: true) { AutoFlush = true };
        await using var errors = new StringWriter();
        var host = new CommandHost
        {
            Variable = name => settings.GetValueOrDefault(name),
            In = input,
            IsInteractive = isTerminal,
            IsOutRedirected = !isTerminal,
            Out = output,
            Error = errors,
            OpenOut = () => bytes, // closed by the command; its bytes can still be read
        };
        var code = await host.RunAsync(arguments);
        return new CommandResult(code, Encoding.UTF8.GetString(bytes.ToArray()), errors.ToString());
    }

    /// <summary>Runs the command.</summary>
    /// <param name="arguments">The command-line arguments.</param>
    public Task<CommandResult> RunAsync(params string[] arguments) => RunWithAsync("", arguments);
}

/// <summary>The result of a command.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
public sealed record CommandResult(int Code, string Output, string Errors)
{
    /// <summary>The parsed output of a command with <c>--json</c>.</summary>
    public JsonElement Json
    {
        get
        {
            try
            {
                return JsonDocument.Parse(Output).RootElement;
            }
            catch (JsonException e)
            {
                throw new InvalidOperationException($"No JSON: {this}", e);
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"exit code {Code}\n{Output}\n{Errors}";
}
