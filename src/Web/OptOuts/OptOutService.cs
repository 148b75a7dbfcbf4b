using System.Diagnostics.Metrics;
using WorkinIt.Deliveries;
using WorkinIt.ServiceDefaults;
using WorkinIt.Storage;

namespace WorkinIt.Web.OptOuts;

/// <summary>Adds recipients to the suppression list (unsubscribe), and removes them.</summary>
internal sealed partial class OptOutService(OptOutTokens tokens, SuppressionList list, ILogger<OptOutService> log)
{
    private static readonly Counter<long> _changed = Telemetry.Meter.CreateCounter<long>(
        "workinit.opt_out.changed", "{recipient}", "Recipients added to the suppression list (blocked) or removed from it (lifted)");

    /// <summary>Whether the token's recipient is on the suppression list; null if the token is not valid.</summary>
    public bool? IsBlocked(string token) => tokens.TryRead(token, out var name) ? list.Contains(name) : null;

    /// <summary>Adds the token's recipient to the suppression list, or removes it.</summary>
    /// <returns>False if the token is not valid.</returns>
    public bool Change(string token, bool block)
    {
        if (!tokens.TryRead(token, out var name))
            return false;
        if (block ? list.Add(name) : list.Remove(name))
        {
            _changed.Add(1, new KeyValuePair<string, object?>("change", block ? "blocked" : "lifted"));
            if (block)
                LogBlocked(log);
            else
                LogLifted(log);
        }
        return true;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A recipient unsubscribed")]
    private static partial void LogBlocked(ILogger log);

    [LoggerMessage(Level = LogLevel.Information, Message = "A recipient allowed mail again")]
    private static partial void LogLifted(ILogger log);
}

internal static class OptOutRegistration
{
    public static IServiceCollection AddOptOutPage(this IServiceCollection services)
    {
        services.AddOptOuts();
        // The list is first read when a link is opened. This check reports a missing connection string at startup instead.
        services.AddOptions<OptOutOptions>().PostConfigure<IConfiguration>((_, configuration) => configuration.GetDatabase("Deliveries"));
        return services.AddSingleton<OptOutService>();
    }
}
