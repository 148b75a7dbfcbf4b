namespace WorkinIt.DeadLetters;

/// <summary>Finds out what a client lacks: the broker, its management API, the tag and the rights of the RabbitMQ user, an audit file that can be written.</summary>
internal sealed class SetupCheck(DeadLetterServices services, IAuditLog audit)
{
    private const int MostQueues = 100;
    private const int MostNamed = 5;

    private readonly DeadLetterOptions _options = services.Options;

    private string Remedy => $"Run as an administrator: workinit dead-letters grant {Quoted(_options.Username)} --vhost {Quoted(_options.VirtualHost)}";

    /// <summary>What is missing: one sentence each, with the remedy.</summary>
    /// <param name="hasCatalogue">Whether the rights for a catalogue are needed too.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    public async Task<IReadOnlyList<string>> RunAsync(bool hasCatalogue, CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        if (audit is AuditFile file && file.WriteProblem() is { } problem)
            missing.Add($"The audit file {file.FilePath} can’t be written, so operations will be refused: {problem.TrimEnd('.')}. Give the process the right to write there, or name another file");
        var queues = await QueuesAsync(missing, cancellationToken);
        try
        {
            await using var probe = await RightsProbe.OpenAsync(_options, cancellationToken);
            var lacks = new List<string>();
            await LooksAsync(probe, queues, hasCatalogue, lacks, cancellationToken);
            await OperatesAsync(probe, queues, lacks, cancellationToken);
            if (lacks.Count > 0)
                missing.Add($"The RabbitMQ user {_options.Username} lacks permissions in {_options.VirtualHost}: {string.Join(", ", lacks.Take(MostNamed))}{(lacks.Count > MostNamed ? $" and {lacks.Count - MostNamed} more" : "")}. {Remedy}");
        }
        catch (DeadLetterException e)
        {
            missing.Add(e.Message);
        }
        return missing;
    }

    private async Task<IReadOnlyList<string>> QueuesAsync(List<string> missing, CancellationToken cancellationToken)
    {
        try
        {
            return [.. (await services.Management.QueuesAsync(cancellationToken)).Where(queue => !queue.Exclusive && _options.Names.Contains(queue.Name)).Select(queue => queue.Name).Take(MostQueues)];
        }
        catch (DeadLetterException e)
        {
            missing.Add(e.Message.Contains("refuses the user", StringComparison.Ordinal) ? $"{e.Message}. {Remedy}" : e.Message);
            return [];
        }
    }

    private static async Task LooksAsync(RightsProbe probe, IReadOnlyList<string> queues, bool hasCatalogue, List<string> lacks, CancellationToken cancellationToken)
    {
        if (!probe.MayLock)
        {
            lacks.Add($"configure {QueueLock.Prefix}*");
            return; // without a queue, nothing can be asked
        }
        foreach (var own in hasCatalogue ? new[] { FeedNotice.Queue, ReplayReport.Exchange } : [ReplayReport.Exchange])
        {
            if (!await probe.MayConfigureAsync(own, cancellationToken))
                lacks.Add($"configure, write and read {own}");
        }
        foreach (var queue in queues)
        {
            if (!await probe.MayReadAsync(queue, cancellationToken))
                lacks.Add($"read {queue}");
        }
    }

    private async Task OperatesAsync(RightsProbe probe, IReadOnlyList<string> queues, List<string> lacks, CancellationToken cancellationToken)
    {
        if (probe.LacksBinding)
            lacks.Add($"write {QueueLock.Prefix}*");
        if (!await probe.MayPublishAsync("", cancellationToken))
            lacks.Add("write amq.default");
        foreach (var input in queues.Where(queue => !DeadLetterQueueNames.IsDiscarded(queue)).Select(services.InputQueueOf).Distinct())
        {
            if (!await probe.MayPublishAsync(input, cancellationToken))
                lacks.Add($"write {input}");
        }
        if (queues.FirstOrDefault(queue => !DeadLetterQueueNames.IsDiscarded(queue)) is { } first && BrokerNames.Of("", services.InputQueueOf(first), "_discarded") is var discarded
            && !queues.Contains(discarded) && !await probe.MayConfigureAsync(discarded, cancellationToken))
        {
            lacks.Add($"configure {discarded}");
        }
    }

    private static string Quoted(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/') ? name : $"'{name.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
