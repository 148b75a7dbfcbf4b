using MassTransit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Finds the GIF, sends the mail, says so.</summary>
internal sealed partial class SendGifEmailConsumer(
    IGifFinder gifs, GifMail gifMail, IMailSender mailSender, TimeProvider time, ILogger<SendGifEmailConsumer> log) : IConsumer<SendGifEmail>
{
    public async Task Consume(ConsumeContext<SendGifEmail> context)
    {
        var command = context.Message;
        var attempt = context.GetRetryAttempt() + 1;
        var gif = await gifs.FindAsync(command.Thought, context.CancellationToken);
        using var mail = gifMail.Compose(command, gif);
        var reply = await mailSender.SendAsync(mail, context.CancellationToken);
        LogSent(log, command.SubmissionId, attempt, reply);
        await context.Publish(new GifEmailSent(command.SubmissionId, attempt, time.GetUtcNow(), gif.Reference), CancellationToken.None);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Sent {SubmissionId} at attempt {Attempt}: {Reply}")]
    private static partial void LogSent(ILogger log, Guid submissionId, int attempt, string reply);
}
