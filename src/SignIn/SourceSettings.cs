using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters;
using WorkinIt.Messaging;

namespace WorkinIt.SignIn;

/// <summary>Another virtual host whose dead letters the pages show.</summary>
/// <param name="Name">Its name on the pages.</param>
/// <param name="Broker">The address of its broker, and the user to act as.</param>
internal sealed record SourceSettings(string Name, DeadLetterOptions Broker)
{
    private const string Section = "DeadLetters:Sources";

    /// <summary>Whether there is any.</summary>
    public static bool AreSet(IConfiguration configuration) => configuration.GetSection(Section).GetChildren().Any();

    /// <summary>Reads <c>DeadLetters__Sources__NAME__ConnectionString</c> and <c>…__Management</c>.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="common">The default source; what else is set for it holds for the others too.</param>
    /// <exception cref="OptionsValidationException">A setting is missing or can't be read. The message names it, and contains no password.</exception>
    public static IReadOnlyList<SourceSettings> Read(IConfiguration configuration, DeadLetterOptions common) =>
        [.. configuration.GetSection(Section).GetChildren().Select(source => Read(source, common))];

    private static SourceSettings Read(IConfigurationSection source, DeadLetterOptions common)
    {
        var setting = $"{Section.Replace(":", "__", StringComparison.Ordinal)}__{source.Key}__";
        if (!RabbitMqConnection.TryParse(source["ConnectionString"], out _, out var error))
            throw DeadLetterSettings.Bad($"{setting}ConnectionString can't be read: {error}");
        var management = source["Management"] is { Length: > 0 } url ? DeadLetterSettings.Address($"{setting}Management", url) : common.Management;
        return new SourceSettings(source.Key, DeadLetterOptions.Parse(source["ConnectionString"]!, management) with
        {
            DiscardedLife = common.DiscardedLife,
            OutcomeWait = common.OutcomeWait,
            Names = common.Names,
        });
    }
}
