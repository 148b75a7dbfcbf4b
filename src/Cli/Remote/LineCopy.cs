namespace WorkinIt.Cli.Remote;

/// <summary>Copies the lines of an export, and counts them.</summary>
internal static class LineCopy
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Copies the lines while they come.</summary>
    /// <param name="lines">The lines, from a server.</param>
    /// <param name="output">Where they go.</param>
    /// <param name="longestSilence">How long the server may send nothing.</param>
    /// <param name="cancellationToken">Cancels the copy.</param>
    /// <returns>How many lines were copied.</returns>
    /// <exception cref="ServerException">The lines broke off, or do not go on.</exception>
    public static async Task<long> RunAsync(Stream lines, Stream output, TimeSpan longestSilence, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        long count = 0;
        while (await ReadAsync(lines, buffer, longestSilence, cancellationToken) is > 0 and var read)
        {
            count += buffer.AsSpan(0, read).Count((byte)'\n');
            await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
        await output.FlushAsync(cancellationToken);
        return count;
    }

    // Here, an IOException is of the connection; at the output, it is of the disk.
    private static async Task<int> ReadAsync(Stream lines, Memory<byte> buffer, TimeSpan longestSilence, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(longestSilence);
        try
        {
            return await lines.ReadAsync(buffer, silence.Token);
        }
        catch (IOException e)
        {
            throw Broken($"broke off ({(e is HttpIOException { HttpRequestError: var error } ? $"{error}" : e.Message.TrimEnd('.'))})");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Broken($"does not go on: the server has sent nothing for {longestSilence.TotalMinutes:0.#} minutes");
        }
    }

    private static ServerException Broken(string what) =>
        new($"The export {what}. What was written is not complete: delete it, and run this again. The dead letters stay where they are", ExitCode.Unreachable);
}
