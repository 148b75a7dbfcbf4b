using System.Data.Common;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace WorkinIt.ServiceDefaults;

/// <summary>What Web and Consumers have in common as processes: logs, health, how a start that fails says why.</summary>
public static partial class Service
{
    /// <summary>Structured logs to standard output; health; traces and metrics where somebody asks for them.</summary>
    /// <param name="builder">The service.</param>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        builder.AddLogs();
        builder.Services.AddHealthChecks();
        builder.AddTelemetry();
        return builder;
    }

    /// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: what it stands on answers too.</summary>
    /// <param name="app">The service.</param>
    public static WebApplication MapHealth(this WebApplication app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions
        {
            Predicate = IsOfReady,
            ResponseWriter = WriteAsync,
            // After the broker's return the bus is "degraded" until its endpoints are connected again: nobody consumes until then.
            ResultStatusCodes = { [HealthStatus.Degraded] = StatusCodes.Status503ServiceUnavailable },
        });
        return app;
    }

    // The first line is the status; then, for each check that failed, what is wrong and what to do.
    private static Task WriteAsync(HttpContext http, HealthReport report)
    {
        http.Response.ContentType = "text/plain; charset=utf-8";
        var problems = report.Entries.Where(check => check.Value.Status != HealthStatus.Healthy).Select(check => $"{check.Key}: {check.Value.Description ?? check.Value.Status.ToString()}");
        return http.Response.WriteAsync(string.Join('\n', problems.Prepend(report.Status.ToString())), http.RequestAborted);
    }

    internal static bool IsOfReady(HealthCheckRegistration check) => check.Tags.Contains("ready");

    /// <summary>
    /// Runs a service's <c>main</c>. A setting that is missing or wrong ends it with exit code 2 and one line for each on standard
    /// error, without a stack trace: the reader is whoever deploys it.
    /// </summary>
    /// <param name="main">The service; its result is the exit code. A database that can't be used ends it with 1.</param>
    public static async Task<int> RunAsync(Func<Task<int>> main)
    {
        try
        {
            return await main();
        }
        catch (OptionsValidationException e)
        {
            foreach (var failure in e.Failures) // "DataAnnotation validation failed for … with the error: 'what we said'."
                await Console.Error.WriteLineAsync(OurWords().Match(failure) is { Success: true } match ? match.Groups[1].Value : failure);
            return 2;
        }
        catch (InvalidOperationException e) when (e.TargetSite?.DeclaringType?.Name == "ConfigurationBinder")
        {
            // Of a list the binder tells only inside what is wrong with which element.
            var failure = e.InnerException is InvalidOperationException element ? element : e;
            await Console.Error.WriteLineAsync(failure.Message.Replace(":", "__", StringComparison.Ordinal));
            return 2;
        }
        catch (DbException e)
        {
            await Console.Error.WriteLineAsync(
                $"A database can't be used: {e.Message.ReplaceLineEndings(" ")}. Check that it runs, and ConnectionStrings__Submissions and ConnectionStrings__Deliveries");
            return 1;
        }
    }

    /// <summary>
    /// <c>--health URL</c>: asks a running service, for containers that have no curl.
    /// </summary>
    /// <param name="url">The service's <c>/health/ready</c>.</param>
    /// <returns>0 when it is ready, else 1.</returns>
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
    private static partial Regex OurWords();
}
