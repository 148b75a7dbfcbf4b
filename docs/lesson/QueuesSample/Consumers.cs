using MassTransit;

namespace QueuesSample;

internal sealed class ResetPasswordConsumer(IPrinter printer) : IConsumer<ResetPassword>
{
    public Task Consume(ConsumeContext<ResetPassword> context) => printer.PrintAsync($"password of {context.Message.User}");
}

internal sealed class SendNewsletterConsumer(IPrinter printer) : IConsumer<SendNewsletter>
{
    public Task Consume(ConsumeContext<SendNewsletter> context) => printer.PrintAsync($"newsletter {context.Message.Number}");
}

internal sealed class PrintLabelConsumer(IPrinter printer) : IConsumer<PrintLabel>
{
    public async Task Consume(ConsumeContext<PrintLabel> context)
    {
        await printer.PrintAsync($"label of {context.Message.Parcel}");
        await context.Publish(new LabelPrinted(context.Message.Parcel));
    }
}
