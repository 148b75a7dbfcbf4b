namespace WorkinIt.Cli.Remote;

/// <summary>Copies lines and counts them.</summary>
internal static class LineCopy
{
    private const int BufferSize = 64 * 1024;

    /// <returns>How many lines were copied.</returns>
    public static async Task<long> RunAsync(Stream lines, Stream output, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        long count = 0;
        while (await lines.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            count += buffer.AsSpan(0, read).Count((byte)'\n');
            await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
        await output.FlushAsync(cancellationToken);
        return count;
    }
}
