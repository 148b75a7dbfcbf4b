using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Consumers.Mail;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;
using RedeliveryOptions = WorkinIt.Consumers.GifEmails.RedeliveryOptions;

return await Service.RunAsync(async () =>
{
    if (args is ["--health", var url])
        return await Service.CheckHealthAsync(new Uri(url));

    var command = args is ["--deploy-topology" or "--migrate" or "--accept-ledger"] ? args[0] : null;
    var builder = WebApplication.CreateBuilder(command is null ? args : []);
    builder.AddServiceDefaults();
    if (command is "--migrate")
    {
        builder.Configuration.MigrateDeliveries();
        return 0;
    }
    if (command is "--deploy-topology")
    {
        builder.Services.AddTopologyDeployment();
        await using var deployment = builder.Build();
        var delays = deployment.Services.GetRequiredService<IOptions<RedeliveryOptions>>().Value.Steps;
        var problem = await deployment.Services.GetRequiredService<TopologyDeployment>().RunAsync(delays);
        if (problem is not null)
            await Console.Error.WriteLineAsync(problem);
        return problem is null ? 0 : 1;
    }

    if (command is "--accept-ledger")
    {
        builder.Services.AddLedgerAcceptance();
        await using var acceptance = builder.Build();
        return await LedgerAcceptance.RunAsync(acceptance.Services);
    }

    builder.Services.AddGifs().AddMail().AddGifEmails();
    builder.Services.AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry(); // otherwise each start posts to a server on the internet
        bus.AddConsumer<SendGifEmailConsumer, SendGifEmailConsumerDefinition>();
        bus.UsingRabbitMq((context, rabbit) =>
        {
            rabbit.ConfigureBus(context);
            rabbit.ReceiveGifEmails(context);
            rabbit.UseReplayReports();
        });
    });
    await using var app = builder.Build();
    app.MapHealth();
    await app.RunAsync();
    return 0;
});
