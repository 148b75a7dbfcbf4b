using WorkinIt.Dev;
using WorkinIt.Dev.Running;

namespace WorkinIt.Tests.Dev;

public sealed class ProgressTests
{
    private static CancellationToken TestCancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First_failure_cancels_the_other_parts_and_is_reported()
    {
        var wasCancelled = false;
        var failure = await Should.ThrowAsync<ToolException>(() => Progress.TogetherAsync(
            TestCancellation,
            async token =>
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                catch (OperationCanceledException)
                {
                    wasCancelled = true;
                    throw;
                }
            },
            _ => Task.FromException(new ToolException("the broker did not start"))));
        failure.Message.ShouldBe("the broker did not start");
        wasCancelled.ShouldBeTrue();
    }

    [Fact]
    public async Task Cancellation_reaches_each_part()
    {
        using var source = new CancellationTokenSource();
        var parts = Progress.TogetherAsync(source.Token, token => Task.Delay(Timeout.Infinite, token), token => Task.Delay(Timeout.Infinite, token));
        await source.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => parts);
    }
}
