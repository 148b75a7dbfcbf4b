using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>The queues of a server, and in which source each is. They are read once.</summary>
internal sealed class ServerQueues(ServerClient api)
{
    private ApiQueues? _queues;

    /// <summary>Whether the queues of a source that does not answer are missing.</summary>
    public bool IsPartial => _queues is { Problems.Count: > 0 };

    /// <summary>The queue with the discarded messages of a queue, in the same source.</summary>
    public async Task<string> DiscardedAsync(string queue, CancellationToken cancellationToken)
    {
        var source = await SourceOfActAsync(queue, cancellationToken); // another source may have a queue with the same name
        if ((await PlacesAsync(queue, cancellationToken)).FirstOrDefault(place => place.Source == source) is not { IsDiscarded: false } found)
            return queue;
        return (await AllAsync(cancellationToken)).Queues.FirstOrDefault(one => one.IsDiscarded && one.InputQueue == found.InputQueue && one.Source == found.Source)?.Name
            ?? throw new NothingThereException($"{queue} has no queue of discarded messages");
    }

    /// <summary>The source of a queue; null if no source has it.</summary>
    /// <exception cref="WrongUsageException">Several have it, and the command line names none.</exception>
    public async Task<string?> SourceAsync(string queue, CancellationToken cancellationToken)
    {
        if (api.Address.Source is { } named)
            return named;
        var places = await PlacesAsync(queue, cancellationToken);
        return places.Count <= 1 ? places.FirstOrDefault()?.Source : throw new WrongUsageException($"{queue} is in several sources. Select one with --source: {string.Join(", ", places.Select(place => place.Source))}");
    }

    /// <summary>The source of a queue that is acted on; null if no source has it.</summary>
    /// <exception cref="WrongUsageException">Several have it, and the command line names none.</exception>
    /// <exception cref="ServerException">One that does not answer may have it too.</exception>
    public async Task<string?> SourceOfActAsync(string queue, CancellationToken cancellationToken)
    {
        var source = await SourceAsync(queue, cancellationToken);
        return api.Address.Source is not null || (await KnownAsync(cancellationToken)).Problems is not [{ Source.Length: > 0 } silent, ..] ? source
            : throw new ServerException($"{silent.Source} does not answer ({silent.Problem.TrimEnd('.')}), and may have a queue {queue} too. Select the source with --source. Nothing was changed", ExitCode.Unreachable);
    }

    /// <summary>The queues with a name, each in a source.</summary>
    public async Task<List<ApiQueue>> PlacesAsync(string queue, CancellationToken cancellationToken) =>
        [.. (await KnownAsync(cancellationToken)).Queues.Where(one => one.Name == queue)];

    /// <summary>All queues; none if the broker does not answer, because the catalogue has its letters.</summary>
    public async Task<ApiQueues> KnownAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AllAsync(cancellationToken);
        }
        catch (ServerException e) when (e.IsOfTheBroker)
        {
            return _queues = new ApiQueues([], [new ApiSourceProblem(api.Address.Source ?? "", e.Message)]);
        }
    }

    /// <summary>All queues.</summary>
    /// <exception cref="ServerException">There is one source, and its broker does not answer; or the server does not.</exception>
    public async Task<ApiQueues> AllAsync(CancellationToken cancellationToken) =>
        _queues ??= await api.GetAsync<ApiQueues>(api.Address.Source is { } source ? $"queues?source={Uri.EscapeDataString(source)}" : "queues", cancellationToken);
}
