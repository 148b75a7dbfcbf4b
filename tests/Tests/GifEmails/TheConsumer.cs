using MassTransit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Storage;
using WorkinIt.Testbed;

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
    public async Task Ends_without_a_mail_or_a_fault_for_who_does_not_want_it_however_the_address_is_written()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.OptOuts.Add(host.OptOutTokens.NameOf("jane@example.com"));
        var command = await host.PublishAsync("Jane+gifs@example.com");
        var blocked = await host.PublishedAsync<GifEmailBlocked>();
        blocked.SubmissionId.ShouldBe(command.SubmissionId);
        blocked.Attempt.ShouldBe(1);
        (await host.Harness.Consumed.Any<SendGifEmail>(it => it.Exception is null)).ShouldBeTrue();
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeFalse();
        host.Sends.ShouldBe(0);

        await host.PublishAsync("john@example.com"); // somebody else
        await Eventually.SeeAsync(() => Task.FromResult(host.Sends), sends => sends == 1, "a mail to somebody else");
        host.OptOuts.Remove(host.OptOutTokens.NameOf("JANE@example.com"));
        await host.PublishAsync();
        await Eventually.SeeAsync(() => Task.FromResult(host.Sends), sends => sends == 2, "a mail to who wants mails again");
    }

    [Fact]
    public async Task Tries_again_in_place_what_may_pass()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = number => number < 3 ? throw new MailDeferredException("the connection broke") : Task.FromResult("250 ok");
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
    public async Task Gives_up_when_the_tries_in_place_and_all_delays_are_used_up()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 2);
        host.Server = _ => throw new MailDeferredException("the connection broke");
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull()[FaultData.Attempt].ShouldBe(3);
        host.Sends.ShouldBe(3);
    }

    [Fact]
    public async Task Tries_once_when_no_tries_in_place_are_wanted()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        host.Server = _ => throw new MailDeferredException("451 not now");
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        host.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task Does_not_insist_where_the_mail_server_said_later()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ => throw new MailDeferredException("451 not now", saidLater: true);
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull()[FaultData.Attempt].ShouldBe(1);
        host.Sends.ShouldBe(1);
    }

    public static TheoryData<Type> WhatKeepsAnEvent =>
        [typeof(TaskCanceledException), typeof(OperationCanceledException), typeof(TimeoutException), typeof(MassTransitException), typeof(InvalidOperationException)];

    [Theory]
    [MemberData(nameof(WhatKeepsAnEvent))]
    public async Task Makes_no_dead_letter_of_a_mail_that_is_out_whatever_keeps_its_event_and_says_so_later(Type failure)
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        var tries = 0;
        host.Publishing = publishing =>
        {
            if (publishing is PublishContext<GifEmailSent> && ++tries <= 2)
                throw (Exception)Activator.CreateInstance(failure)!;
        };
        var command = await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.Harness.Published.Any<GifEmailSent>(it => it.Exception is null)).ShouldBeTrue();
        (await host.Harness.Consumed.Any<SendGifEmail>(it => it.Exception is null)).ShouldBeTrue();
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeFalse();
        (await host.Harness.Published.Any<ReceiveFault>()).ShouldBeFalse(); // of a failure that MassTransit finds after the consumer
        tries.ShouldBe(3);
        host.Sends.ShouldBe(1);
        host.Ledger.Find(command.SubmissionId)!.Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task Leaves_a_mail_that_is_out_to_the_next_process_when_it_stops_before_its_event()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        var tries = 0;
        host.Publishing = publishing =>
        {
            if (publishing is not PublishContext<GifEmailSent>)
                return;
            tries++;
            host.StopApplication();
            throw new TaskCanceledException();
        };
        var command = await host.PublishAsync();
        await host.Harness.InactivityTask;
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeFalse();
        host.Ledger.Find(command.SubmissionId)!.State.ShouldBe(DeliveryState.Sent);
        tries.ShouldBe(1); // the process ends instead of trying on
    }

    [Fact]
    public async Task Does_not_insist_where_giphy_asked_for_a_pause()
    {
        var asked = 0;
        await using var host = await ConsumerHost.StartAsync();
        host.Gifs = _ =>
        {
            asked++;
            throw new GifUnavailableException("Giphy answered 429", TimeSpan.FromMinutes(1));
        };
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull()[FaultData.Attempt].ShouldBe(1);
        asked.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Notes_what_came_back_while_it_is_in_hand(bool works)
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        int? noted = null;
        SendGifEmail? command = null;
        var published = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Server = async _ =>
        {
            await published.Task;
            noted = host.Ledger.Find(command!.SubmissionId)!.InFlight;
            return works ? "250 ok" : throw new MailRefusedException("550 unknown");
        };
        command = await host.PublishAsync(header: "x-delivery-count", value: 1);
        published.SetResult();
        (works ? await host.Harness.Published.Any<GifEmailSent>() : await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        noted.ShouldBe(1);
        await Eventually.SeeAsync(() => host.Ledger.Find(command.SubmissionId)!.InFlight == 0, "the note taken back");
    }

    [Fact]
    public async Task Takes_a_ledger_that_does_not_answer_for_something_that_may_pass()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        using var other = host.Database.Open();
        await using var locked = await other.BeginTransactionAsync();
        await host.PublishAsync(header: "x-delivery-count", value: 1);
        // There is no delay queue in memory, and the attempt to send it there is what becomes of a transient failure.
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].ExceptionType.ShouldBe(typeof(PayloadNotFoundException).FullName);
        host.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Leaves_to_others_what_comes_while_it_stops()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.StopApplication();
        var command = await host.PublishAsync();
        await host.Harness.InactivityTask;
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeFalse();
        host.Sends.ShouldBe(0);
        host.Ledger.Find(command.SubmissionId).ShouldBeNull();
    }

    [Fact]
    public async Task Finishes_what_it_is_sending_when_it_stops()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ =>
        {
            host.StopApplication();
            return Task.FromResult("250 ok");
        };
        var command = await host.PublishAsync();
        (await host.PublishedAsync<GifEmailSent>()).SubmissionId.ShouldBe(command.SubmissionId);
        host.Ledger.Find(command.SubmissionId)!.State.ShouldBe(DeliveryState.Sent);
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
