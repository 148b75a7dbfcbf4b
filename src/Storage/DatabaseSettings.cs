using System.Data.Common;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace WorkinIt.Storage;

/// <summary>Reads a feature's database from the settings.</summary>
public static class DatabaseSettings
{
    /// <summary>Reads <c>ConnectionStrings__NAME</c>.</summary>
    /// <param name="configuration">The settings.</param>
    /// <param name="name">Submissions or Deliveries.</param>
    /// <exception cref="OptionsValidationException">The setting is missing or can't be read; the message names it.</exception>
    public static Database GetDatabase(this IConfiguration configuration, string name) =>
        Database.TryParse(configuration.GetConnectionString(name), out var database, out var error)
            ? database
            : throw new OptionsValidationException(name, typeof(Database),
                [$"ConnectionStrings__{name} {(string.IsNullOrWhiteSpace(configuration.GetConnectionString(name)) ? "is not set" : "can't be read")}: {error}"]);
}

/// <summary>Checks that the database answers, that its table exists, and that a change is committed.</summary>
/// <param name="database">The database.</param>
/// <param name="table">The feature's table.</param>
/// <param name="write">Commits a change; null if another check of the same database does that.</param>
public sealed class DatabaseHealthCheck(Database database, string table, Func<CancellationToken, Task>? write = null) : IHealthCheck
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(4);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        try
        {
            if (await Task.Run(() => DatabaseSchema.Check(database, table), cancellationToken).WaitAsync(deadline.Token) is { } problem)
                return HealthCheckResult.Unhealthy(problem);
            if (write is not null)
                await write(deadline.Token);
            return HealthCheckResult.Healthy();
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy($"The database of {table} can't be written to ({e.Message}): check the free disk space, the rights to the file, and that --migrate was run");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The database does not answer");
        }
    }
}
