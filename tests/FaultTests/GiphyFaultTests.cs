using Microsoft.AspNetCore.Http;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class GiphyFaultTests(ReliabilityTable table)
{
    [Fact]
    public async Task All_mails_are_sent_once_while_Giphy_fails_throttles_stalls_or_returns_invalid_data()
    {
        await using var giphy = await FakeGiphy.StartAsync();
        await using var run = await FaultRun.StartAsync("Giphy: 5xx, 429 with Retry-After, too slow, an answer without a GIF, 20 % of the requests", table, giphy.GetSettings());
        giphy.Answer = (http, number) => number % 5 != 0 ? FakeGiphy.GoodAsync(http, number) : (number / 5 % 4) switch
        {
            0 => Fail(http, StatusCodes.Status503ServiceUnavailable),
            1 => TooMany(http),
            2 => Task.Delay(TimeSpan.FromSeconds(3), http.RequestAborted),
            _ => http.Response.WriteAsync("""{"data":{},"meta":{"response_id":""}}"""),
        };

        await run.LoadAsync();

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_Giphy_fails_every_request_for_a_while()
    {
        await using var giphy = await FakeGiphy.StartAsync();
        await using var run = await FaultRun.StartAsync("Giphy: fails every request for a while", table, giphy.GetSettings());

        await run.BreakAsync(1, async () =>
        {
            giphy.Answer = (http, _) => Fail(http, StatusCodes.Status500InternalServerError);
            await Task.Delay(TimeSpan.FromSeconds(Scale.IsLong ? 15 : 4)); // duration of the fault
            giphy.Answer = null;
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    private static Task Fail(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static Task TooMany(HttpContext http)
    {
        http.Response.Headers.RetryAfter = "3";
        return Fail(http, StatusCodes.Status429TooManyRequests);
    }
}
