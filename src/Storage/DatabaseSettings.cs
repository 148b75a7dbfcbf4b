using System.Data.Common;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace WorkinIt.Storage;

/// <summary>How a feature gets its database out of the settings.</summary>
public static class DatabaseSettings
{
    /// <summary>Reads <c>ConnectionStrings__NAME</c>.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="name">Submissions or Deliveries.</param>
    /// <exception cref="OptionsValidationException">It is missing or can't be read; names the setting.</exception>
    public static Database GetDatabase(this IConfiguration configuration, string name) =>
        Database.TryParse(configuration.GetConnectionString(name), out var database, out var error)
            ? database
            : throw new OptionsValidationException(name, typeof(Database),
                [$"ConnectionStrings__{name} {(string.IsNullOrWhiteSpace(configuration.GetConnectionString(name)) ? "is not set" : "can't be read")}: {error}"]);
}

/// <summary>Whether the database answers and its table is there.</summary>
/// <param name="database">The database.</param>
/// <param name="table">The feature's table.</param>
public sealed class DatabaseHealthCheck(Database database, string table) : IHealthCheck
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var problem = await Task.Run(() => DatabaseSchema.Check(database, table), cancellationToken).WaitAsync(_patience, cancellationToken);
            return problem is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(problem);
        }
        catch (Exception e) when (e is TimeoutException or DbException)
        {
            return HealthCheckResult.Unhealthy("The database does not answer");
        }
    }
}
