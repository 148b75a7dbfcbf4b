// The same job done two ways: in the request, and in the background by the worker that ./run has started.
using InlineSample;
using MassTransit;
using Microsoft.AspNetCore.Mvc;
using WorkinIt.Contracts;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUrls($"http://localhost:{builder.Configuration["WORKINIT_SAMPLE_PORT"] ?? "8090"}");
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning); // else five lines a request
builder.Services.AddSingleton<SlowMailServer>();
builder.Services.AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.UsingRabbitMq((_, rabbit) => rabbit.Host("localhost", builder.Configuration.GetValue<ushort>("WORKINIT_AMQP_PORT", 5672), "/", host =>
    {
        host.Username("operator");
        host.Password("operator");
    }));
});
var app = builder.Build();

app.MapPost("/inline", async ([FromForm] string email, [FromForm] string thought, SlowMailServer mailServer) =>
    await mailServer.SendAsync(email, thought)
        ? Results.Text("sent\n")
        : Results.Text("The mail could not be sent. Please try again later.\n", statusCode: StatusCodes.Status502BadGateway))
    .DisableAntiforgery(); // no cookie authorises it, so there is nothing to forge

app.MapPost("/published", async ([FromForm] string email, [FromForm] string thought, IPublishEndpoint bus) =>
{
    var command = new SendGifEmail(Guid.CreateVersion7(), email, thought, DateTimeOffset.UtcNow);
    await bus.Publish(command, context => context.MessageId = command.SubmissionId);
    return Results.Text("accepted\n", statusCode: StatusCodes.Status202Accepted);
}).DisableAntiforgery();

await app.RunAsync();
