using System.Diagnostics.Metrics;
using WorkinIt.Deliveries;
using WorkinIt.ServiceDefaults;
using WorkinIt.Storage;

namespace WorkinIt.Web.OptOuts;

/// <summary>Takes "never mail me again", and takes it back.</summary>
internal sealed partial class OptOutService(OptOutTokens tokens, OptOutList list, ILogger<OptOutService> log)
{
    private static readonly Counter<long> _changed = Telemetry.Meter.CreateCounter<long>(
        "workinit.opt_out.changed", "{recipient}", "Recipients who do not want to be mailed any more (blocked), or want it again (lifted)");

    /// <summary>Whether the recipient that a token names is on the list; null where it names none.</summary>
    public bool? IsBlocked(string token) => tokens.TryRead(token, out var name) ? list.Contains(name) : null;

    /// <summary>Puts the recipient on the list, or takes it off.</summary>
    /// <returns>False where the token names none.</returns>
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

    [LoggerMessage(Level = LogLevel.Information, Message = "A recipient does not want to be mailed any more")]
    private static partial void LogBlocked(ILogger log);

    [LoggerMessage(Level = LogLevel.Information, Message = "A recipient wants to be mailed again")]
    private static partial void LogLifted(ILogger log);
}

internal static class OptOutRegistration
{
    public static IServiceCollection AddOptOutPage(this IServiceCollection services)
    {
        services.AddOptOuts();
        // The list is read at the first click only: too late to learn that nobody said where it is.
        services.AddOptions<OptOutOptions>().PostConfigure<IConfiguration>((_, configuration) => configuration.GetDatabase("Deliveries"));
        return services.AddSingleton<OptOutService>();
    }
}
