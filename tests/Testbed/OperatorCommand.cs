using System.Diagnostics;
using System.Text.Json;

namespace WorkinIt.Testbed;

/// <summary>The operator's command as a process of its own, as it is published.</summary>
/// <param name="settings">By their names in the environment.</param>
public sealed class OperatorCommand(IReadOnlyDictionary<string, string> settings)
{
    /// <summary>As an operator of this system would have it set up: the RabbitMQ user replay, and the ledger.</summary>
    /// <param name="system">The system.</param>
    /// <param name="settings">Settings other than the usual.</param>
    public static OperatorCommand Of(WorkinItSystem system, params (string Name, string Value)[] settings)
    {
        var usual = Usual(system);
        foreach (var (name, value) in settings)
            usual[name] = value;
        return new OperatorCommand(usual);
    }

    private static Dictionary<string, string> Usual(WorkinItSystem system) => new()
    {
        ["ConnectionStrings__RabbitMq"] = system.VirtualHost.ConnectionString("replay"),
        ["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString(),
        ["ConnectionStrings__Deliveries"] = system.Settings.GetValueOrDefault("ConnectionStrings__Deliveries", $"Data Source={Path.Combine(system.Folder, "deliveries.db")}"),
        ["ConnectionStrings__Submissions"] = system.Settings.GetValueOrDefault("ConnectionStrings__Submissions", $"Data Source={Path.Combine(system.Folder, "submissions.db")}"),
        ["OptOut__Secret"] = WorkinItSystem.OptOutSecret,
        ["DeadLetters__AuditFile"] = Path.Combine(system.Folder, "audit.jsonl"),
        ["WORKINIT_OPERATOR"] = "jane",
    };

    /// <summary>Starts it.</summary>
    /// <param name="arguments">As a person types them.</param>
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

    /// <summary>Runs it to its end.</summary>
    /// <param name="input">What it reads.</param>
    /// <param name="arguments">As a person types them.</param>
    public async Task<CommandResult> RunWithAsync(string input, params string[] arguments)
    {
        using var process = Start(arguments);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return new CommandResult(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">As a person types them.</param>
    public Task<CommandResult> RunAsync(params string[] arguments) => RunWithAsync("", arguments);
}

/// <summary>What a command has said.</summary>
/// <param name="Code">Its exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
public sealed record CommandResult(int Code, string Output, string Errors)
{
    /// <summary>The output, of a command with <c>--json</c>.</summary>
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
