using System.Globalization;
using Microsoft.Extensions.Options;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.Storage;

namespace WorkinIt.SignIn;

/// <summary>The settings of the catalogue of dead letters.</summary>
internal static class CatalogueSettings
{
    private static readonly TimeSpan _usualRetention = TimeSpan.FromDays(30);

    /// <summary>Reads <c>ConnectionStrings__Catalogue</c> and <c>Catalogue__*</c>.</summary>
    /// <returns>Null if there is no catalogue: its connection string is not set.</returns>
    /// <exception cref="OptionsValidationException">A setting can't be read; the message names it.</exception>
    public static CatalogueOptions? Read(IConfiguration configuration)
    {
        if (string.IsNullOrWhiteSpace(configuration.GetConnectionString("Catalogue")))
            return null;
        return new CatalogueOptions
        {
            Database = configuration.GetDatabase("Catalogue"),
            Source = configuration["Catalogue:Source"] is { Length: > 0 } source ? source : null,
            Bodies = Bodies(configuration["Catalogue:Bodies"]),
            Retention = Retention(configuration["Catalogue:Retention"]),
        };
    }

    /// <summary>Creates or migrates the tables of the catalogue, if there is one. The application does that at its start too, if its user may create tables.</summary>
    public static void MigrateCatalogue(this IConfiguration configuration)
    {
        if (Read(configuration) is { } catalogue)
            DatabaseSchema.Migrate(catalogue.Database, typeof(CatalogueOptions).Assembly);
    }

    private static bool Bodies(string? text) =>
        string.IsNullOrEmpty(text) || (bool.TryParse(text, out var bodies) ? bodies : throw Bad("Catalogue__Bodies must be true or false"));

    private static TimeSpan Retention(string? text) =>
        string.IsNullOrEmpty(text) ? _usualRetention
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var retention) && retention > TimeSpan.Zero ? retention
        : throw Bad("Catalogue__Retention must be a time such as 30.00:00:00 (30 days)");

    private static OptionsValidationException Bad(string failure) => new("Catalogue", typeof(CatalogueOptions), [failure]);
}
