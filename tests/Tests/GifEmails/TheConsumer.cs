using MassTransit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Storage;

namespace WorkinIt.Tests.GifEmails;

public sealed class TheConsumer
{
    [Fact]
    public async Task Sends_and_says_so()
    {
        await using var host = await ConsumerHost.StartAsync();
        var command = await host.PublishAsync();
        var sent = (await host.PublishedAsync<GifEmailSent>());
        sent.SubmissionId.ShouldBe(command.SubmissionId);
        sent.Attempt.ShouldBe(1);
        host.Ledger.Find(command.SubmissionId)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.Sent), it => it.Detail.ShouldBe("250 ok"));
    }

    [Fact]
    public async Task Tries_again_in_place_what_may_pass()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = number => number < 3 ? throw new MailDeferredException("451 not now") : Task.FromResult("250 ok");
        await host.PublishAsync();
        (await host.PublishedAsync<GifEmailSent>()).Attempt.ShouldBe(3);
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeFalse();
    }

    [Fact]
    public async Task Tries_once_what_will_not_pass_and_the_fault_tells_the_attempt()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ => throw new MailRefusedException("550 unknown");
        var command = await host.PublishAsync();
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        host.Sends.ShouldBe(1);
        var data = (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull();
        data[FaultData.Attempt].ShouldBe(1);
        data.ShouldNotContainKey(FaultData.Held);
        host.Ledger.Find(command.SubmissionId)!.State.ShouldBe(DeliveryState.NotSent);
    }

    [Fact]
    public async Task Asks_giphy_once_with_a_key_that_it_refuses_and_sends_nothing()
    {
        await using var host = await ConsumerHost.StartAsync();
        var asked = 0;
        host.Gifs = _ =>
        {
            asked++;
            throw new GiphyKeyRefusedException(403);
        };
        await host.PublishAsync();
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Message.ShouldContain("Giphy__ApiKey");
        asked.ShouldBe(1);
        host.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Asks_giphy_again_after_a_hiccup()
    {
        await using var host = await ConsumerHost.StartAsync();
        var asked = 0;
        host.Gifs = thought => ++asked == 1 ? throw new GifUnavailableException("Giphy answered 503") : new BuiltInGifs().Choose(thought);
        await host.PublishAsync();
        (await host.PublishedAsync<GifEmailSent>()).Attempt.ShouldBe(2);
        host.Sends.ShouldBe(1);
    }

    [Theory]
    [InlineData("jane@example.com, joe@example.com")]
    [InlineData("jane@example.com\r\nBcc: joe@example.com")]
    public async Task Sends_nothing_to_what_is_no_address_and_its_failure_does_not_repeat_it(string address)
    {
        await using var host = await ConsumerHost.StartAsync();
        await host.PublishAsync(address);
        var failure = (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions.ShouldHaveSingleItem();
        failure.ExceptionType.ShouldContain(nameof(MailRefusedException));
        failure.Message.ShouldNotContain("jane");
        failure.StackTrace.ShouldNotContain("jane");
        host.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Holds_what_nobody_knows_and_never_sends_it_again()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ => throw new MailOutcomeUnknownException("All of the mail was written and no reply came");
        var command = await host.PublishAsync();
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull().ShouldContainKey(FaultData.Held);

        host.Server = _ => Task.FromResult("250 ok");
        await host.Harness.Bus.Publish(command);
        await host.Harness.Consumed.SelectAsync<SendGifEmail>().Take(2).ToListAsync();
        host.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task Holds_what_broke_off_in_a_way_that_nobody_foresaw()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ => throw new TimeoutException();
        var command = await host.PublishAsync();
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull().ShouldContainKey(FaultData.Held);
        host.Sends.ShouldBe(1);
        host.Ledger.Find(command.SubmissionId)!.State.ShouldBe(DeliveryState.Unknown);
    }

    [Fact]
    public async Task Sends_nothing_for_what_was_sent_before_and_says_so_again()
    {
        await using var host = await ConsumerHost.StartAsync();
        var command = await host.PublishAsync();
        (await host.Harness.Published.Any<GifEmailSent>()).ShouldBeTrue();
        await host.Harness.Bus.Publish(command);
        var events = await host.Harness.Published.SelectAsync<GifEmailSent>().Take(2).ToListAsync();
        host.Sends.ShouldBe(1);
        events.Select(sent => sent.Context.Message with { SentAt = default }).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Holds_what_another_had_in_hand_when_it_vanished()
    {
        await using var host = await ConsumerHost.StartAsync();
        var command = new SendGifEmail(Guid.CreateVersion7(), "jane@example.com", "hello", DateTimeOffset.UtcNow);
        await using var writer = new GroupCommit(host.Database);
        await new DeliveryLedger(host.Database, writer, TimeProvider.System).TakeAsync(command.SubmissionId, TimeSpan.FromSeconds(-1), "cat", default);

        await host.Harness.Bus.Publish(command);

        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        var failure = (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0];
        failure.Message.ShouldContain($"Message-ID {command.SubmissionId:N}");
        failure.Data.ShouldNotBeNull().ShouldContainKey(FaultData.Held);
        host.Sends.ShouldBe(0);
    }
}
