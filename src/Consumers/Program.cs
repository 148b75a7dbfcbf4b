using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Gifs;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;

return await Service.RunAsync(async () =>
{
    if (args is ["--health", var url])
        return await Service.AskHealthAsync(new Uri(url));

    var deployTopologyOnly = args is ["--deploy-topology"];
    var builder = WebApplication.CreateBuilder(deployTopologyOnly ? [] : args);
    builder.AddServiceDefaults();
    builder.Services
        .AddGifs()
        .AddMail()
        .AddGifEmails(deployTopologyOnly);
    await using var app = builder.Build();

    if (deployTopologyOnly)
    {
        await app.Services.GetRequiredService<TopologyDeployment>().RunAsync(CancellationToken.None);
        return 0;
    }

    app.MapHealth();
    await app.RunAsync();
    return 0;
});
