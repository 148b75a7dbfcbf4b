using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MimeKit;

namespace WorkinIt.Consumers.Mail;

/// <summary>The dialogue about one mail. It distinguishes failures with a known outcome from those after which the mail may have been sent.</summary>
internal sealed class SmtpDialogue(SmtpConnectionPool pool, SmtpOptions options, MailboxAddress recipient, SmtpBreaker.Turn turn, TimeProvider time) : IMailConnection
{
    private readonly CancellationTokenSource _deadline = new(options.SendTimeout);
    private readonly SmtpMeasurement _measurement = SmtpMeasurement.Start(options, time);
    private bool _reusable = true;
    private bool _disposed;

    /// <summary>The connection; null if none could be opened.</summary>
    public SmtpConnection? Connection { get; set; }

    /// <summary>When the server must have accepted the mail.</summary>
    public CancellationToken Deadline => _deadline.Token;

    private string Server => $"{options.Host}:{options.Port}";

    public async Task<string> SendAsync(MimeMessage mail)
    {
        try
        {
            return await HandOverAsync(Connection!, mail);
        }
        catch (Exception e)
        {
            var told = await FailedAsync(e);
            if (told == e)
                throw;
            throw told;
        }
        finally
        {
            await DisposeAsync(); // the next mail must not wait until this one's outcome is in the ledger
        }
    }

    /// <summary>Ends the dialogue with a failure, and reports it to the circuit breaker and the metrics.</summary>
    /// <param name="failure">The failure.</param>
    /// <returns>The failure for the caller.</returns>
    public async Task<Exception> FailedAsync(Exception failure)
    {
        _measurement.Failed(failure);
        if (failure is not ServerFailedException { Outcome: var outcome } serverFailed)
            return failure;
        await turn.EndAsync(serverFailed);
        // This mail did reach the server. A retry in place would meet the open circuit breaker and be reported as "not asked".
        return outcome is MailDeferredException && turn.Breaker.IsOpen ? new MailDeferredException(outcome.Message, serverIsDown: true) : outcome;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (Connection is { } connection)
            pool.Return(connection, _reusable);
        await turn.EndAsync();
        _measurement.Dispose();
        _deadline.Dispose();
    }

    private async Task<string> HandOverAsync(SmtpConnection connection, MimeMessage mail)
    {
        var progress = new WrittenBytes();
        _reusable = false;
        try
        {
            var reply = await connection.Client.SendAsync(mail, Deadline, progress);
            _reusable = true;
            return ServerReply.Without(recipient, reply);
        }
        catch (ServiceNotAuthenticatedException)
        {
            throw new ServerFailedException(new MailDeferredException($"{Server} requires a login: check Smtp__Username and Smtp__Password"));
        }
        catch (SmtpCommandException e)
        {
            var answersTheMail = e.ErrorCode == SmtpErrorCode.MessageNotAccepted && progress.Complete;
            // MailKit has reset the dialogue, so the connection can be reused. Not after 421, because the server then closes the connection, and not
            // after a reply that is out of place.
            _reusable = e.StatusCode != SmtpStatusCode.ServiceNotAvailable
                && (e.StatusCode.Meaning() is SmtpReply.No or SmtpReply.Later || (answersTheMail && e.StatusCode.Meaning() == SmtpReply.Yes));
            return OutcomeOf(e, answersTheMail);
        }
        catch (Exception e) when (e is IOException or SocketException or SmtpProtocolException or OperationCanceledException or TimeoutException or ServiceNotConnectedException)
        {
            var what = _deadline.IsCancellationRequested ? $"no reply within {options.SendTimeout.TotalSeconds:0} s" : "the connection broke";
            throw new ServerFailedException(progress.Complete && !connection.Stream.HoldsBack
                ? new MailOutcomeUnknownException($"The complete mail was written to {Server}, and {what}")
                : new MailDeferredException($"{Server}: {what} ({progress})"));
        }
    }

    /// <summary>
    /// MailKit throws for any reply except 250 after the final dot. There, any 2xx accepts the mail, and a reply that neither accepts nor refuses it
    /// leaves its outcome unknown.
    /// </summary>
    private string OutcomeOf(SmtpCommandException answer, bool answersTheMail)
    {
        var words = $"{(int)answer.StatusCode} {ServerReply.Without(recipient, answer.Message)}";
        return answer.StatusCode.Meaning() switch
        {
            SmtpReply.Yes when answersTheMail => words,
            SmtpReply.No => throw new MailRefusedException($"{Stage(answer)}: {words}"),
            SmtpReply.Later => throw new MailDeferredException($"{Stage(answer)}: {words}", saidLater: true),
            _ when answersTheMail => throw new MailOutcomeUnknownException($"The complete mail was written to {Server}, and its reply neither accepts nor refuses it: {words}"),
            _ => throw new MailDeferredException($"{Server} gave an unexpected reply before the mail itself: {words}", saidLater: true),
        };
    }

    private static string Stage(SmtpCommandException answer) => answer.ErrorCode switch
    {
        SmtpErrorCode.RecipientNotAccepted => "The recipient was refused",
        SmtpErrorCode.SenderNotAccepted when answer.StatusCode == SmtpStatusCode.ExceededStorageAllocation => "The mail is too large for the mail server", // MAIL announces the size
        SmtpErrorCode.SenderNotAccepted when answer.StatusCode.Meaning() == SmtpReply.Later => "The mail server does not accept mail now", // a 4xx says nothing about the sender
        SmtpErrorCode.SenderNotAccepted => "The sender was refused",
        SmtpErrorCode.MessageNotAccepted => "The mail was refused",
        _ => "The mail server answered",
    };

    /// <summary>How many bytes of the mail were written; MailKit reports it while it writes.</summary>
    private sealed class WrittenBytes : ITransferProgress
    {
        private long _written;
        private long _total = long.MaxValue;

        public bool Complete => _written >= _total;

        public void Report(long bytesTransferred, long totalSize) => (_written, _total) = (bytesTransferred, totalSize);

        public void Report(long bytesTransferred) => _written = bytesTransferred;

        public override string ToString() => _total == long.MaxValue ? "before the mail itself" : $"after {_written} of {_total} bytes of the mail";
    }
}
