using System.Text;
using WorkinIt.Cli.Remote;

namespace WorkinIt.Tests.Remote;

/// <summary>An export over a server whose lines do not come completely.</summary>
public sealed class ServerExportTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connection_that_is_reset_or_silent_ends_the_export(bool isSilent)
    {
        await using var output = new MemoryStream();
        await using var lines = new Lines(isSilent);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var problem = await Should.ThrowAsync<ServerException>(async () => await LineCopy.RunAsync(lines, output, TimeSpan.FromMilliseconds(50), limit.Token));
        problem.ExitCode.ShouldBe(3);
        problem.Message.ShouldContain("What was written is not complete: delete it");
        problem.Message.ShouldStartWith(isSilent ? "The export does not go on: the server has sent nothing" : "The export broke off (Connection reset by peer)");
        Encoding.UTF8.GetString(output.ToArray()).ShouldBe("{}\n");
    }

    [Fact]
    public async Task Disk_that_is_full_is_not_reported_as_a_problem_of_the_connection()
    {
        await using var lines = new MemoryStream("{}\n"u8.ToArray());
        await using var disk = new Lines(isSilent: false);
        await Should.ThrowAsync<IOException>(LineCopy.RunAsync(lines, disk, TimeSpan.FromMinutes(1), CancellationToken.None));
    }

    // One line, and then nothing or an error. What is written to it fails.
    private sealed class Lines(bool isSilent) : MemoryStream
    {
        private bool _isRead;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_isRead)
            {
                _isRead = true;
                "{}\n"u8.CopyTo(buffer.Span);
                return 3;
            }
            if (!isSilent)
                throw new IOException("Connection reset by peer.");
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("No space left on device");
    }
}
