namespace WorkinIt.DeadLetters;

/// <summary>Checks a virtual host with all rules.</summary>
/// <param name="options">The broker.</param>
internal sealed class VirtualHostDoctor(DeadLetterOptions options)
{
    /// <param name="queue">Only what concerns this queue and its dead-letter queues; null: everything.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    /// <exception cref="DeadLetterException">The management API does not answer, or the queue does not exist.</exception>
    public async Task<Diagnosis> RunAsync(string? queue, CancellationToken cancellationToken)
    {
        using var reader = new SnapshotReader(options);
        var host = await reader.ReadAsync(cancellationToken);
        if (queue is not null && host.Queues.All(one => one.Name != queue))
            throw new DeadLetterException(DeadLetterProblem.NoSuchQueue, $"Queue \"{queue}\" not found in {options.VirtualHost}");
        return Check(host, queue);
    }

    /// <summary>Applies all rules.</summary>
    /// <param name="host">The virtual host.</param>
    /// <param name="queue">Only what concerns this queue and its dead-letter queues; null: everything.</param>
    public static Diagnosis Check(VirtualHostSnapshot host, string? queue) => new(
        host.Broker.ToString(),
        [.. DoctorRules.All
            .SelectMany(rule => rule.Check(host))
            .Where(finding => queue is null || finding.Queue == queue || (finding.Queue is { } other && host.InputOf(other) == queue))
            .OrderBy(finding => finding.Severity).ThenBy(finding => finding.Queue, StringComparer.Ordinal)],
        [.. DoctorRules.All.Select(rule => (rule.Id, Why: rule.NotChecked(host))).Where(one => one.Why is not null).Select(one => new UncheckedRule(one.Id, one.Why!))]);
}
