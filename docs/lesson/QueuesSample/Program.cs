// "send" puts messages into the queues and ends; "work" is the worker, and stays until Ctrl-C.
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using QueuesSample;

if (args is not (["send", "newsletters" or "labels"] or ["work"]))
{
    await Console.Error.WriteLineAsync("Say: send newsletters, send labels, or work");
    return 2;
}

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddSingleton<IPrinter, ConsolePrinter>();
builder.Services.AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.AddConsumer<ResetPasswordConsumer, ResetPasswordDefinition>();
    bus.AddConsumer<SendNewsletterConsumer, SendNewsletterDefinition>();
    bus.AddConsumer<PrintLabelConsumer, PrintLabelDefinition>();
    bus.UsingRabbitMq((context, rabbit) =>
    {
        rabbit.DeployTopologyOnly = args is ["send", _]; // the queues are declared, and nothing is taken out of them
        rabbit.Host("localhost", builder.Configuration.GetValue<ushort>("WORKINIT_AMQP_PORT", 5672), "/", host =>
        {
            host.Username("operator");
            host.Password("operator");
        });
        rabbit.ConfigureEndpoints(context);
    });
});
using var host = builder.Build();
if (args is ["work"])
{
    await host.RunAsync();
    return 0;
}

var bus = host.Services.GetRequiredService<IBusControl>();
await bus.DeployAsync();
await host.StartAsync();
if (args is [_, "newsletters"])
{
    for (var number = 1; number <= 5; number++)
        await bus.Publish(new SendNewsletter(number));
    await bus.Publish(new ResetPassword("ann"));
    await Console.Out.WriteLineAsync("Sent 5 newsletters, then 1 password.");
}
else
{
    for (var number = 1; number <= 5; number++)
        await bus.Publish(new PrintLabel($"parcel {number}"));
    await bus.Publish(new PrintLabel("parcel 6, express"), context => context.SetPriority(PrintLabelDefinition.Express));
    await Console.Out.WriteLineAsync("Sent 5 labels, then 1 that is express.");
}
await host.StopAsync();
return 0;
