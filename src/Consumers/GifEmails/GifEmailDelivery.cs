using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Sends a submission's mail, once. It reads the ledger first, and writes to it just before the mail is handed to the mail server and right
/// after. A mail is held and not sent again if it was handed over completely and no reply came, or if the consumer that began to send it
/// ended without recording the outcome. Recipients who have unsubscribed get no mail, and no GIF is looked up for them.
/// </summary>
internal sealed partial class GifEmailDelivery(
    IGifFinder gifs, GifMail gifMail, IMailSender mailSender, DeliveryLedger ledger, OptOutTokens recipients, SuppressionList suppressionList, IOptions<SmtpOptions> smtp, TimeProvider time,
    ILogger<GifEmailDelivery> log)
{
    // Added to the mail server's deadline: time to write its reply to the ledger.
    private static readonly TimeSpan _margin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _ledgerDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _ledgerPause = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<Guid, byte> _inFlight = new();

    private TimeSpan Lease => smtp.Value.SendTimeout + _margin;

    /// <param name="command">What to send.</param>
    /// <param name="replay">The replay that brought the message here; null if none.</param>
    /// <param name="stopping">Cancels the delivery. It has no effect once the handover to the mail server begins.</param>
    /// <returns>What became of it. For a submission that was sent before, the same result again.</returns>
    /// <exception cref="DbException">The ledger or the suppression list can't be read.</exception>
    public async Task<DeliveryResult> DeliverAsync(SendGifEmail command, ReplayStamp? replay, CancellationToken stopping)
    {
        if (MissingField(command) is { } field)
            return new DeliveryResult.Failed(new CommandIncompleteException(field), null);
        if (!_inFlight.TryAdd(command.SubmissionId, 0))
            return InFlight(time.GetUtcNow() + Lease);
        try
        {
            return await ResultFromLedgerAsync(command, replay?.SendAgain) ?? await BlockedAsync(command) ?? await SendAsync(command, replay, stopping);
        }
        finally
        {
            _inFlight.TryRemove(command.SubmissionId, out _);
        }
    }

    private static string? MissingField(SendGifEmail command) =>
        command.SubmissionId == Guid.Empty ? "submissionId"
        : string.IsNullOrWhiteSpace(command.EmailAddress) ? "emailAddress"
        : string.IsNullOrWhiteSpace(command.Thought) ? "thought"
        : null;

    private static DeliveryResult.TryLater InFlight(DateTimeOffset? until) => new(new DeliveryInFlightException(until), null);

    private async Task<DeliveryResult?> ResultFromLedgerAsync(SendGifEmail command, string? sendAgain)
    {
        var id = command.SubmissionId;
        switch (ledger.Find(id))
        {
            case { State: DeliveryState.Sent } sent:
                LogSentBefore(log, id, sent.Attempt);
                return new DeliveryResult.Sent(sent.Attempt, sent.SentAt ?? sent.TakenAt ?? time.GetUtcNow(), sent.Gif ?? "", ConfirmedByOperator: sent.SentAt is null); // no reply came then

            // The state stays unknown in the ledger: unsubscribing doesn't show whether the first mail arrived.
            case { State: DeliveryState.Unknown } unknown when sendAgain is not null && IsSuppressed(command):
                return Blocked(id, unknown.Attempt);

            case { State: DeliveryState.Unknown } unknown:
                return await ReleasedAsync(id, sendAgain)
                    ? null
                    : new DeliveryResult.Held(unknown.Attempt, unknown.Detail ?? "the ledger records an unknown outcome without evidence");

            case { State: DeliveryState.Sending } other when other.Owner != ledger.Owner:
                if (ledger.IsLeased(other))
                    return InFlight(other.LeaseUntil);
                var evidence = OutcomeUnknown.AfterCrash(other, smtp.Value, id);
                await WriteUntilStoredAsync(id, token => ledger.UnknownAsync(id, evidence, token));
                return await ReleasedAsync(id, sendAgain) ? null : new DeliveryResult.Held(other.Attempt, evidence);

            default:
                return null;
        }
    }

    private bool IsSuppressed(SendGifEmail command) => command.EmailAddress is { } address && suppressionList.Contains(recipients.NameOf(address));

    private async Task<DeliveryResult?> BlockedAsync(SendGifEmail command)
    {
        if (!IsSuppressed(command))
            return null;
        using var deadline = new CancellationTokenSource(_ledgerDeadline, time);
        try
        {
            return await ledger.BlockedAsync(command.SubmissionId, deadline.Token) is { } attempt
                ? Blocked(command.SubmissionId, attempt)
                : InFlight(time.GetUtcNow() + Lease);
        }
        catch (Exception e) when (IsOfLedger(e))
        {
            return new DeliveryResult.TryLater(new DeliveryNotTakenException(e.GetType().Name), null);
        }
    }

    private DeliveryResult.Blocked Blocked(Guid id, int attempt)
    {
        LogBlocked(log, id, attempt);
        GifEmailTelemetry.Blocked();
        return new DeliveryResult.Blocked(attempt, time.GetUtcNow());
    }

    private async Task<bool> ReleasedAsync(Guid id, string? sendAgain)
    {
        if (sendAgain is null || await WriteUntilStoredAsync(id, token => ledger.ReleaseAsync(id, sendAgain, token)) is null)
            return false;
        LogSendAgain(log, id, sendAgain);
        return true;
    }

    private async Task<DeliveryResult> SendAsync(SendGifEmail command, ReplayStamp? replay, CancellationToken stopping)
    {
        var id = command.SubmissionId;
        try
        {
            var gif = await gifs.FindAsync(command.Thought, stopping);
            using var mail = gifMail.Compose(command, gif);
            await using var connection = await mailSender.ConnectAsync(mail.To.Mailboxes.Single(), stopping);
            return await TakeAsync(id, gif) is { } attempt
                ? await HandOverAsync(connection, mail, id, attempt, gif)
                : InFlight(time.GetUtcNow() + Lease);
        }
        catch (Exception e) when (!RetryPolicy.CountsAsTry(e))
        {
            var delivery = ledger.Find(id);
            if (replay is not null && delivery?.IsPutOffIn(replay.Id) != true)
                await PutOffAsync(id, replay.Id, e.Message);
            return new DeliveryResult.TryLater(e, delivery?.Attempt ?? 0); // unchanged: this was not a try
        }
        catch (Exception e) when (OutcomeUnknown.IsKnownNotSent(e))
        {
            var attempt = await WriteUntilStoredAsync(id, token => ledger.NotSentAsync(id, e.Message, token));
            return RetryPolicy.IsTransient(e) ? new DeliveryResult.TryLater(e, attempt) : new DeliveryResult.Failed(e, attempt);
        }
    }

    // For the operator's replay, which reads the ledger. Not for other messages: a backlog would cost a write for each one.
    private async Task PutOffAsync(Guid id, string replay, string why)
    {
        using var deadline = new CancellationTokenSource(_ledgerDeadline, time);
        try
        {
            await ledger.PutOffAsync(id, replay, why, deadline.Token);
        }
        catch (Exception e) when (IsOfLedger(e))
        {
            LogNotPutOff(log, id, e.GetType().Name);
        }
    }

    private async Task<DeliveryResult> HandOverAsync(IMailConnection connection, MimeMessage mail, Guid id, int attempt, Gif gif)
    {
        string reply;
        try
        {
            reply = await connection.SendAsync(mail);
        }
        catch (Exception e) when (!OutcomeUnknown.IsKnownNotSent(e))
        {
            var evidence = OutcomeUnknown.WhileSending(e, smtp.Value, time.GetUtcNow(), id);
            await WriteUntilStoredAsync(id, token => ledger.UnknownAsync(id, evidence, token));
            return new DeliveryResult.Held(attempt, evidence);
        }

        var sentAt = time.GetUtcNow();
        // Only this process knows that the server accepted the mail (250): write it to the ledger before anything else can happen to the message.
        await WriteUntilStoredAsync(id, token => ledger.SentAsync(id, sentAt, reply, token));
        LogSent(log, id, attempt, reply);
        GifEmailTelemetry.Sent();
        return new DeliveryResult.Sent(attempt, sentAt, gif.Reference);
    }

    private static bool IsOfLedger(Exception failure) =>
        failure is DbException or OperationCanceledException or TimeoutException or IOException;

    // Null if another process has taken it.
    private async Task<int?> TakeAsync(Guid id, Gif gif)
    {
        using var deadline = new CancellationTokenSource(_ledgerDeadline, time);
        try
        {
            return await ledger.TakeAsync(id, Lease, gif.Reference, deadline.Token);
        }
        catch (Exception e) when (IsOfLedger(e))
        {
            // The row may have been written nevertheless. If it stayed, another process would take this delivery for one whose process died,
            // and hold it. So the caller first records it as not sent, like any failure with a known outcome.
            throw new DeliveryNotTakenException(e.GetType().Name);
        }
    }

    // Only this process knows the outcome until the ledger has it, so keep retrying the write.
    private async Task<T> WriteUntilStoredAsync<T>(Guid id, Func<CancellationToken, Task<T>> write)
    {
        while (true)
        {
            try
            {
                using var deadline = new CancellationTokenSource(_ledgerDeadline);
                return await write(deadline.Token);
            }
            catch (Exception e) when (IsOfLedger(e))
            {
                LogLedgerUnavailable(log, id, e.GetType().Name);
                await Task.Delay(_ledgerPause, time, CancellationToken.None);
            }
        }
    }

    private Task<bool> WriteUntilStoredAsync(Guid id, Func<CancellationToken, Task> write) =>
        WriteUntilStoredAsync(id, async token =>
        {
            await write(token);
            return true;
        });

    [LoggerMessage(Level = LogLevel.Information, Message = "Sent {SubmissionId} at attempt {Attempt}: {Reply}")]
    private static partial void LogSent(ILogger log, Guid submissionId, int attempt, string reply);

    [LoggerMessage(Level = LogLevel.Information, Message = "{SubmissionId} was already sent at attempt {Attempt}; not sent again")]
    private static partial void LogSentBefore(ILogger log, Guid submissionId, int attempt);

    [LoggerMessage(Level = LogLevel.Information, Message = "{SubmissionId} is not sent (attempt {Attempt}): the recipient has unsubscribed")]
    private static partial void LogBlocked(ILogger log, Guid submissionId, int attempt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{SubmissionId} may have been sent; the operator's replay {ReplayId} sends it again")]
    private static partial void LogSendAgain(ILogger log, Guid submissionId, string replayId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{SubmissionId} is delayed without a try, which can't be written to the ledger ({Reason}): its replay can't report it")]
    private static partial void LogNotPutOff(ILogger log, Guid submissionId, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The outcome of {SubmissionId} can't be written to the ledger ({Reason}); retrying. Fix the database and keep this process running")]
    private static partial void LogLedgerUnavailable(ILogger log, Guid submissionId, string reason);
}
