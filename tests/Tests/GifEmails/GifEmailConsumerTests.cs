using MassTransit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.GifEmails;

public sealed class GifEmailConsumerTests
{
    [Fact]
    public async Task Sent_mail_is_recorded_in_the_ledger_and_published_as_an_event()
    {
        await using var host = await ConsumerHost.StartAsync();
        var command = await host.PublishAsync();
        var sent = (await host.PublishedAsync<GifEmailSent>());
        sent.SubmissionId.ShouldBe(command.SubmissionId);
        sent.Attempt.ShouldBe(1);
        host.Ledger.Find(command.SubmissionId)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.Sent), it => it.Detail.ShouldBe("250 ok"));
    }

    [Fact]
    public async Task Opted_out_recipient_gets_no_mail_and_no_fault_however_the_address_is_written()
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

        await host.PublishAsync("john@example.com"); // a recipient who did not opt out
        await Eventually.SeeAsync(() => Task.FromResult(host.Sends), sends => sends == 1, "a mail to a recipient who did not opt out");
        host.OptOuts.Remove(host.OptOutTokens.NameOf("JANE@example.com"));
        await host.PublishAsync();
        await Eventually.SeeAsync(() => Task.FromResult(host.Sends), sends => sends == 2, "a mail after the opt-out was removed");
    }

    [Fact]
    public async Task Transient_failure_is_retried_in_place()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = number => number < 3 ? throw new MailDeferredException("the connection broke") : Task.FromResult("250 ok");
        await host.PublishAsync();
        (await host.PublishedAsync<GifEmailSent>()).Attempt.ShouldBe(3);
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeFalse();
    }

    [Fact]
    public async Task Permanent_failure_is_tried_once_and_the_fault_contains_the_attempt()
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
    public async Task Rejected_Giphy_key_is_tried_once_and_no_mail_is_sent()
    {
        await using var host = await ConsumerHost.StartAsync();
        var requests = 0;
        host.Gifs = _ =>
        {
            requests++;
            throw new GiphyKeyRefusedException(403);
        };
        await host.PublishAsync();
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Message.ShouldContain("Giphy__ApiKey");
        requests.ShouldBe(1);
        host.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Transient_Giphy_failure_is_retried_and_the_mail_is_sent_once()
    {
        await using var host = await ConsumerHost.StartAsync();
        var requests = 0;
        host.Gifs = thought => ++requests == 1 ? throw new GifUnavailableException("Giphy answered 503") : new BuiltInGifs().Choose(thought);
        await host.PublishAsync();
        (await host.PublishedAsync<GifEmailSent>()).Attempt.ShouldBe(2);
        host.Sends.ShouldBe(1);
    }

    [Theory]
    [InlineData("jane@example.com, joe@example.com")]
    [InlineData("jane@example.com\r\nBcc: joe@example.com")]
    public async Task Invalid_address_gets_no_mail_and_the_fault_does_not_repeat_the_address(string address)
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
    public async Task Message_is_given_up_after_all_retries_and_redeliveries_are_used_up()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 2);
        host.Server = _ => throw new MailDeferredException("the connection broke");
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull()[FaultData.Attempt].ShouldBe(3);
        host.Sends.ShouldBe(3);
    }

    [Fact]
    public async Task Message_is_tried_once_when_retries_in_place_are_disabled()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        host.Server = _ => throw new MailDeferredException("451 not now");
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        host.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task No_retry_in_place_after_the_mail_server_asked_to_try_later()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ => throw new MailDeferredException("451 not now", saidLater: true);
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull()[FaultData.Attempt].ShouldBe(1);
        host.Sends.ShouldBe(1);
    }

    public static TheoryData<Type> PublishFailures =>
        [typeof(TaskCanceledException), typeof(OperationCanceledException), typeof(TimeoutException), typeof(MassTransitException), typeof(InvalidOperationException)];

    [Theory]
    [MemberData(nameof(PublishFailures))]
    public async Task Sent_mail_is_not_dead_lettered_when_its_event_cannot_be_published_at_first(Type failure)
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
        (await host.Harness.Published.Any<ReceiveFault>()).ShouldBeFalse(); // published for a failure that MassTransit detects after the consumer
        tries.ShouldBe(3);
        host.Sends.ShouldBe(1);
        host.Ledger.Find(command.SubmissionId)!.Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task Sent_mail_without_its_event_is_left_to_the_next_process_on_shutdown()
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
        tries.ShouldBe(1); // the process stops without another try
    }

    [Fact]
    public async Task No_retry_in_place_after_Giphy_asked_for_a_pause()
    {
        var requests = 0;
        await using var host = await ConsumerHost.StartAsync();
        host.Gifs = _ =>
        {
            requests++;
            throw new GifUnavailableException("Giphy answered 429", TimeSpan.FromMinutes(1));
        };
        await host.PublishAsync(header: MessageHeaders.RedeliveryCount, value: 5);
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull()[FaultData.Attempt].ShouldBe(1);
        requests.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Message_returned_by_the_broker_is_marked_in_flight_in_the_ledger_while_it_is_processed(bool works)
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        int? inFlightMark = null;
        SendGifEmail? command = null;
        var published = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Server = async _ =>
        {
            await published.Task;
            inFlightMark = host.Ledger.Find(command!.SubmissionId)!.InFlight;
            return works ? "250 ok" : throw new MailRefusedException("550 unknown");
        };
        command = await host.PublishAsync(header: "x-delivery-count", value: 1);
        published.SetResult();
        (works ? await host.Harness.Published.Any<GifEmailSent>() : await host.Harness.Published.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        inFlightMark.ShouldBe(1);
        await Eventually.SeeAsync(() => host.Ledger.Find(command.SubmissionId)!.InFlight == 0, "the in-flight mark is cleared");
    }

    [Fact]
    public async Task Ledger_that_does_not_respond_is_a_transient_failure()
    {
        await using var host = await ConsumerHost.StartAsync(retryLimit: 0);
        using var other = host.Database.Open();
        await using var locked = await other.BeginTransactionAsync();
        await host.PublishAsync(header: "x-delivery-count", value: 1);
        // A transient failure is sent to a delay queue. The in-memory transport has none, so sending it there throws this exception.
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].ExceptionType.ShouldBe(typeof(PayloadNotFoundException).FullName);
        host.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Message_received_during_shutdown_is_left_to_other_consumers()
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
    public async Task Mail_being_sent_is_completed_during_shutdown()
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
    public async Task Mail_with_an_unknown_outcome_is_held_and_never_sent_again()
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
    public async Task Unexpected_exception_while_sending_holds_the_mail_as_outcome_unknown()
    {
        await using var host = await ConsumerHost.StartAsync();
        host.Server = _ => throw new TimeoutException();
        var command = await host.PublishAsync();
        (await host.PublishedAsync<Fault<SendGifEmail>>()).Exceptions[0].Data.ShouldNotBeNull().ShouldContainKey(FaultData.Held);
        host.Sends.ShouldBe(1);
        host.Ledger.Find(command.SubmissionId)!.State.ShouldBe(DeliveryState.Unknown);
    }

    [Fact]
    public async Task Duplicate_message_sends_no_second_mail_and_publishes_the_sent_event_again()
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
    public async Task Mail_in_flight_at_a_process_that_vanished_is_held()
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
