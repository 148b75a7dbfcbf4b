// A worker that ships parcels, and reports what became of each one that was replayed to it.
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ParcelWorker;

var builder = Host.CreateApplicationBuilder(args);
var broker = builder.Configuration.GetConnectionString("RabbitMq") ?? "amqp://guest:guest@localhost:5672";
builder.Services.AddSingleton(new Roads(builder.Configuration["Closed"] ?? "Atlantis"));
builder.Services.AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.AddConsumer<ShipParcelConsumer>();
    bus.UsingRabbitMq((context, rabbit) =>
    {
        rabbit.Host(new Uri(broker));
        rabbit.UseReplayReports(); // the one line of the package
        rabbit.ReceiveEndpoint("ship-parcel", endpoint => endpoint.ConfigureConsumer<ShipParcelConsumer>(context));
    });
});
await builder.Build().RunAsync();
