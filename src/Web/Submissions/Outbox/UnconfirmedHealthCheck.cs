using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace WorkinIt.Web.Submissions;

/// <summary>Checks that the broker confirms submissions. An open connection does not prove that.</summary>
internal sealed class UnconfirmedHealthCheck(SubmissionStore store, IOptions<SubmissionOptions> options, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var waiting = await Task.Run(() => store.Unconfirmed(options.Value.UnconfirmedLimit, 1), cancellationToken).WaitAsync(_timeout, cancellationToken);
            return waiting is [var oldest, ..]
                ? HealthCheckResult.Unhealthy(string.Create(CultureInfo.InvariantCulture,
                    $"RabbitMQ has not confirmed {oldest.SubmissionId} for {(time.GetUtcNow() - oldest.SubmittedAt).TotalSeconds:0} s: check the broker's alarms, that the topology was deployed, and this log"))
                : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is TimeoutException or DbException)
        {
            return HealthCheckResult.Unhealthy("The store can't be searched for unconfirmed submissions");
        }
    }
}
