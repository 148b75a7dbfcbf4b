namespace WorkinIt.Cli.Remote;

/// <summary>
/// The problems with a server from the request on that starts an operation. The operation may run there, whatever went wrong with an answer, so each of these
/// says so, with its id if that is known, and where to look.
/// </summary>
/// <param name="api">The API.</param>
internal sealed class OperationProblems(ServerClient api)
{
    /// <summary>Sends the request that starts an operation.</summary>
    /// <exception cref="ServerException">The server refused it, or may have started it.</exception>
    public async Task<T> WhileStartingAsync<T>(Func<Task<T>> start)
    {
        try
        {
            return await start();
        }
        catch (ServerException e) when (e.MayHaveActed)
        {
            throw Of(e, $"The operation may have begun there. Before you run this again, see what was done: {new Uri(api.Address.Pages, "audit")}, or “audit” and “list” (it shows what runs)");
        }
    }

    /// <summary>Asks about an operation that was started, or changes it.</summary>
    /// <param name="id">The operation.</param>
    /// <param name="ask">Sends the request.</param>
    /// <exception cref="ServerException">There is no answer, or another one.</exception>
    public async Task<T> WhileRunningAsync<T>(string id, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (ServerException e)
        {
            throw Of(e, $"The operation {id} may still run there: see {PageOf(id)}");
        }
    }

    /// <summary>Reads the result of an operation that has ended.</summary>
    /// <param name="id">The operation.</param>
    /// <param name="summary">Its result in one line; null if unknown.</param>
    /// <param name="read">Sends the requests.</param>
    /// <exception cref="ServerException">There is no answer, or another one.</exception>
    public async Task<T> AfterEndAsync<T>(string id, string? summary, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (ServerException e)
        {
            throw Of(e, $"The operation {id} has ended{(summary is null ? "" : $": {summary}")}. Only its list of messages is missing here: see {PageOf(id)}");
        }
    }

    /// <summary>The page of an operation.</summary>
    public Uri PageOf(string id) => new(api.Address.Pages, $"operations/{id}");

    // Exit code 2 would say that nothing was done.
    private static ServerException Of(ServerException e, string what) =>
        new($"{e.Message.TrimEnd('.')}. {what}", e.ExitCode == ExitCode.Unreachable ? ExitCode.Unreachable : ExitCode.Incomplete);
}
