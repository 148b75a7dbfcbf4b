using MassTransit;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;
using WorkinIt.SignIn;
using WorkinIt.Web;
using WorkinIt.Web.OptOuts;
using WorkinIt.Web.Submissions;

return await Service.RunAsync(async () =>
{
    if (args is ["--health", var url])
        return await Service.CheckHealthAsync(new Uri(url));

    var builder = WebApplication.CreateBuilder(args is ["--migrate"] ? [] : args);
    builder.AddServiceDefaults();
    if (args is ["--migrate"])
    {
        builder.Configuration.MigrateSubmissions();
        builder.Configuration.MigrateCatalogue();
        return 0;
    }
    builder.AddPages();
    builder.Services.AddKeyRing("WorkinIt.Web");
    builder.Services.AddApiReference();
    builder.Services.AddSubmissions();
    builder.Services.AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry(); // otherwise each start posts to a server on the internet
        bus.AddConsumer<SubmissionStatusConsumer>();
        bus.AddConsumer<DeadSubmissionConsumer>();
        bus.UsingRabbitMq((context, rabbit) =>
        {
            rabbit.ConfigureBus(context);
            rabbit.ReceiveOutcomes(context);
        });
    });
    builder.Services.AddOptOutPage();
    builder.AddDeadLetterPages("Submissions");
    await using var app = builder.Build();

    app.UseSubmissionScope();
    app.UsePages();
    app.MapHealth();
    app.MapSubmissionsApi();
    app.MapSubmissionEvents();
    app.MapApiReference();
    app.MapDeadLetterPages("WorkinIt dead letters");
    await app.RunAsync();
    return 0;
});
