using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace WorkinIt.ServiceDefaults;

/// <summary>
/// Structured logs on standard output: text lines, or one JSON object per line. They contain HTTP paths, but never queries or bodies, because these
/// contain what users typed.
/// </summary>
internal static class Logs
{
    private const string Setting = "Logging__Format";

    private enum Format
    {
        Text,
        Json,
    }

    public static void AddLogs(this WebApplicationBuilder builder)
    {
        var format = Read(builder.Configuration["Logging:Format"]);
        builder.Services.AddSerilog((_, log) =>
        {
            log.MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
                .ReadFrom.Configuration(builder.Configuration)
                .Enrich.FromLogContext()
                .Enrich.With<KeyInPath.Enricher>();
            if (format == Format.Json)
                log.WriteTo.Console(new RenderedCompactJsonFormatter()); // writes trace and span as @tr and @sp
            else
                log.Enrich.With<TraceAndSpan>().WriteTo.Console(
                    formatProvider: CultureInfo.InvariantCulture,
                    outputTemplate: "{Timestamp:yyyy-MM-dd HH:mm:ss.fff zzz} {Level:u3} {SourceContext}: {Message:lj} {Properties:j}{NewLine}{Exception}");
        });
    }

    private static Format Read(string? setting) =>
        string.IsNullOrWhiteSpace(setting) ? Format.Text
        : Enum.TryParse<Format>(setting, ignoreCase: true, out var format) && Enum.IsDefined(format) ? format
        : throw new OptionsValidationException(Setting, typeof(Format), [$"{Setting} must be Text or Json"]);

    /// <summary>Adds trace and span to the properties of a text line. Without a span, it adds nothing.</summary>
    private sealed class TraceAndSpan : ILogEventEnricher
    {
        public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
        {
            if (logEvent.TraceId is { } trace)
                logEvent.AddOrUpdateProperty(new LogEventProperty("TraceId", new ScalarValue(trace.ToHexString())));
            if (logEvent.SpanId is { } span)
                logEvent.AddOrUpdateProperty(new LogEventProperty("SpanId", new ScalarValue(span.ToHexString())));
        }
    }
}
