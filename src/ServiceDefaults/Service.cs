using System.Data.Common;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace WorkinIt.ServiceDefaults;

/// <summary>What Web and Consumers share as processes: logs, health checks, and the error output of a failed start.</summary>
public static partial class Service
{
    /// <summary>Adds structured logs on standard output, health checks, and traces and metrics if an OTLP endpoint is configured.</summary>
    /// <param name="builder">The service.</param>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        builder.AddLogs();
        builder.Services.AddHealthChecks();
        builder.AddTelemetry();
        return builder;
    }

    /// <summary>Maps <c>/health/live</c> (the process responds) and <c>/health/ready</c> (its dependencies respond too).</summary>
    /// <param name="app">The service.</param>
    public static WebApplication MapHealth(this WebApplication app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions
        {
            Predicate = IsOfReady,
            ResponseWriter = WriteAsync,
            // After a reconnect to the broker, the bus is "degraded" until its endpoints are connected: it consumes nothing until then.
            ResultStatusCodes = { [HealthStatus.Degraded] = StatusCodes.Status503ServiceUnavailable },
        });
        return app;
    }

    // The first line is the status. Each failed check adds a line: what is wrong, and what to do.
    private static Task WriteAsync(HttpContext http, HealthReport report)
    {
        http.Response.ContentType = "text/plain; charset=utf-8";
        var problems = report.Entries.Where(check => check.Value.Status != HealthStatus.Healthy).Select(check => $"{check.Key}: {check.Value.Description ?? check.Value.Status.ToString()}");
        return http.Response.WriteAsync(string.Join('\n', problems.Prepend(report.Status.ToString())), http.RequestAborted);
    }

    internal static bool IsOfReady(HealthCheckRegistration check) => check.Tags.Contains("ready");

    /// <summary>
    /// Runs a service's <c>main</c>. A missing or invalid setting ends it with exit code 2 and one line per setting on standard error,
    /// without a stack trace, because the operator who deploys the service reads it.
    /// </summary>
    /// <param name="main">The service's main; its result is the exit code. If a database can't be used, the exit code is 1.</param>
    /// <param name="databaseAdvice">Which settings to check if a database can't be used.</param>
    public static async Task<int> RunAsync(Func<Task<int>> main, string databaseAdvice = "Check ConnectionStrings__Submissions and ConnectionStrings__Deliveries")
    {
        try
        {
            return await main();
        }
        catch (OptionsValidationException e)
        {
            foreach (var failure in e.Failures) // "DataAnnotation validation failed for … with the error: 'our message'."
                await Console.Error.WriteLineAsync(OurMessage().Match(failure) is { Success: true } match ? match.Groups[1].Value : failure);
            return 2;
        }
        catch (InvalidOperationException e) when (e.TargetSite?.DeclaringType?.Name == "ConfigurationBinder")
        {
            // For a list, only the inner exception names the element and the error.
            var failure = e.InnerException is InvalidOperationException element ? element : e;
            await Console.Error.WriteLineAsync(failure.Message.Replace(":", "__", StringComparison.Ordinal));
            return 2;
        }
        catch (DbException e)
        {
            await Console.Error.WriteLineAsync(
                $"A database can't be used: {e.Message.ReplaceLineEndings(" ")}. Check that it runs. {databaseAdvice}");
            return 1;
        }
    }

    /// <summary>
    /// Implements <c>--health URL</c>: checks a running service, for containers without curl.
    /// </summary>
    /// <param name="url">The URL of the service's <c>/health/ready</c>.</param>
    /// <returns>0 if it is ready, else 1.</returns>
    public static async Task<int> CheckHealthAsync(Uri url)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(4) };
        try
        {
            using var answer = await http.GetAsync(url);
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return 1;
        }
    }

    [GeneratedRegex("with the error: '(.*)'\\.$", RegexOptions.Singleline)]
    private static partial Regex OurMessage();
}
