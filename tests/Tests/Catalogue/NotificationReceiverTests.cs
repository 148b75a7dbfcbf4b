using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Notifications;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Receivers that fail, hang, redirect, ask for a pause, or restart.</summary>
public sealed class NotificationReceiverTests : IAsyncLifetime
{
    private readonly NotificationDatabase _database = new();
    private WebhookReceiver _receiver = null!;

    public async ValueTask InitializeAsync() => _receiver = await WebhookReceiver.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _receiver.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Failing_receiver_is_tried_with_growing_pauses_until_24_hours_are_over()
    {
        _receiver.Answer = Status(500);
        await using var host = await AnnounceAsync();
        var start = _database.Time.GetUtcNow();
        var tries = new List<TimeSpan>();
        for (var seen = 0; _database.Time.GetUtcNow() - start < TimeSpan.FromHours(30); _database.Time.Advance(TimeSpan.FromSeconds(5)))
        {
            await host.Sender.SendAsync(default);
            if (_receiver.Calls.Count > seen)
                tries.Add(_database.Time.GetUtcNow() - start);
            seen = _receiver.Calls.Count;
        }

        var pauses = tries.Zip(tries.Skip(1), (one, next) => next - one).ToList();
        pauses.Take(4).ShouldBe([TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(40)]);
        pauses.Max().ShouldBe(TimeSpan.FromHours(1));
        tries[^1].ShouldBe(TimeSpan.FromHours(24));
        State(host).ShouldSatisfyAllConditions(
            it => it.Waiting.ShouldBe(0), it => it.GivenUp.ShouldBe(1), it => it.LastError.ShouldBe("it answered 500"), it => it.LastSuccess.ShouldBeNull());
        _receiver.Calls.Select(call => call.Headers["webhook-id"]).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Receiver_that_restarts_gets_each_message_once_and_in_order()
    {
        await _receiver.StopAsync();
        await using var host = await AnnounceAsync();
        State(host).LastError!.ShouldStartWith("no connection: ");
        _database.Set(_database.Cause("a", 1), _database.Cause("b", 1));
        await host.LookAsync();
        State(host).Waiting.ShouldBe(2);

        await _receiver.RestartAsync();
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await host.Sender.SendAsync(default);
        await host.Sender.SendAsync(default);
        _receiver.Kinds.ShouldBe(["new b", "new a"]); // what was never tried goes first
        State(host).ShouldSatisfyAllConditions(it => it.Waiting.ShouldBe(0), it => it.PausedUntil.ShouldBeNull(), it => it.LastSuccess.ShouldBe(_database.Time.GetUtcNow()));
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("Fri, 02 Jan 2026 12:05:00 GMT", 300)]
    [InlineData("0", 1)]
    [InlineData("999999999", 24 * 3600)]
    [InlineData("soon", 5)]
    public async Task Retry_After_is_the_pause_before_the_next_try(string retryAfter, int seconds)
    {
        _receiver.Answer = http =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers.RetryAfter = retryAfter;
            return Task.CompletedTask;
        };
        await using var host = await AnnounceAsync();
        State(host).PausedUntil.ShouldBe(_database.Time.GetUtcNow().AddSeconds(seconds));

        _receiver.Answer = Status(204);
        _database.Time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        await host.Sender.SendAsync(default);
        _receiver.Calls.Count.ShouldBe(1);
        _database.Time.Advance(TimeSpan.FromMilliseconds(1));
        await host.Sender.SendAsync(default);
        _receiver.Calls.Count.ShouldBe(2);
        State(host).Waiting.ShouldBe(0);
    }

    [Fact]
    public async Task Redirect_is_not_followed_and_the_state_says_what_to_do()
    {
        _receiver.Answer = http =>
        {
            http.Response.Redirect("/elsewhere", permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        };
        await using var host = await AnnounceAsync();
        _receiver.Calls.ShouldHaveSingleItem().Path.ShouldBe("/hook");
        State(host).LastError.ShouldBe("it answered 307, a redirect. Set the final address as its Url");
    }

    [Fact]
    public async Task Receiver_that_never_answers_is_given_up_after_the_timeout_and_delays_no_other_receiver()
    {
        await using var other = await WebhookReceiver.StartAsync();
        var answered = new TaskCompletionSource();
        _receiver.Answer = async _ => await answered.Task;
        var watch = Stopwatch.StartNew();
        await using var host = await AnnounceAsync(TimeSpan.FromMilliseconds(700), _receiver.Receiver, other.Receiver);
        watch.Elapsed.ShouldBeInRange(TimeSpan.FromMilliseconds(650), TimeSpan.FromSeconds(3));
        host.Deliveries.States()[_receiver.Receiver.Key].LastError.ShouldBe("no answer within 0.7 s");
        other.Calls.Count.ShouldBe(1);
        answered.SetResult();
    }

    [Fact]
    public async Task Endless_answer_is_not_read()
    {
        var closed = new TaskCompletionSource();
        _receiver.Answer = async http =>
        {
            try
            {
                for (var block = new byte[64 * 1024]; ;)
                    await http.Response.Body.WriteAsync(block, http.RequestAborted);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                closed.TrySetResult();
            }
        };
        var watch = Stopwatch.StartNew();
        await using var host = await AnnounceAsync();
        State(host).LastSuccess.ShouldNotBeNull();
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(8)); // less than the timeout: it was not waited for
        await closed.Task.WaitAsync(TimeSpan.FromSeconds(8)); // the sender has closed the connection
    }

    [Fact]
    public async Task Message_that_the_receiver_refuses_blocks_no_other_message()
    {
        _receiver.Answer = http =>
        {
            http.Response.StatusCode = (string?)_receiver.Calls[^1].Json["cause"]!["id"] == "a" ? 400 : 204;
            return Task.CompletedTask;
        };
        await using var host = await AnnounceAsync();
        _database.Set(_database.Cause("a", 1), _database.Cause("b", 1), _database.Cause("c", 1));
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await host.LookAsync();
        host.Deliveries.History("b", 1).Single().State.ShouldBe(DeliveryState.Sent);
        host.Deliveries.History("c", 1).Single().State.ShouldBe(DeliveryState.Sent);
        host.Deliveries.History("a", 1).Single().State.ShouldBe(DeliveryState.Waiting);
    }

    [Fact]
    public async Task Message_of_a_host_that_died_while_it_sent_is_sent_by_another_host_after_the_lease()
    {
        _receiver.Answer = Status(500);
        await using var dead = await AnnounceAsync();
        _receiver.Answer = Status(204);
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        (await dead.Deliveries.TakeAsync(_receiver.Receiver.Key, default)).ShouldNotBeNull();

        await using var other = new NotificationHost(_database, _receiver.Receiver);
        await other.Sender.SendAsync(default);
        _receiver.Calls.Count.ShouldBe(1);
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await other.Sender.SendAsync(default);
        _receiver.Calls.Count.ShouldBe(2);
        _receiver.Calls[0].Headers["webhook-id"].ShouldBe(_receiver.Calls[1].Headers["webhook-id"]);
    }

    [Fact]
    public async Task Receiver_added_later_gets_a_summary_and_what_comes_after_it()
    {
        await using var other = await WebhookReceiver.StartAsync();
        await using (var host = await AnnounceAsync())
            _receiver.Kinds.ShouldBe(["new a"]);
        await using var both = new NotificationHost(_database, _receiver.Receiver, other.Receiver);
        await both.LookAsync();
        _database.Set(_database.Cause("b", 1));
        await both.LookForAsync(TimeSpan.FromMinutes(2));
        _receiver.Kinds.ShouldBe(["new a", "new b", "over a"]);
        other.Kinds.ShouldBe(["summary", "new b"]);
    }

    private static Func<HttpContext, Task> Status(int status) => http =>
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    private static ReceiverState State(NotificationHost host) => host.Deliveries.States().Values.Single();

    private Task<NotificationHost> AnnounceAsync() => AnnounceAsync(null, _receiver.Receiver);

    // A host that has announced cause a, or tried to.
    private async Task<NotificationHost> AnnounceAsync(TimeSpan? timeout, params NotificationReceiver[] receivers)
    {
        var host = new NotificationHost(_database, new NotificationOptions { Receivers = receivers }, timeout);
        await host.LookAsync();
        _database.Set(_database.Cause("a", 1));
        await host.LookAsync();
        return host;
    }
}
