using System.Diagnostics;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>The result of a process.</summary>
/// <param name="Code">Its exit code.</param>
/// <param name="Output">Its output and errors.</param>
public sealed record ProcessResult(int Code, string Output)
{
    /// <summary>Runs a process to its end.</summary>
    public static async Task<ProcessResult> OfAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return new ProcessResult(process.ExitCode, await output + await errors);
    }

    public void ShouldSucceed() => Code.ShouldBe(0, Output);
}
