// The desk where parcels are handed in: an MVC application that sends messages, with the dead-letter console at /dead-letters.
using MassTransit;
using Microsoft.AspNetCore.Mvc;
using ParcelDesk;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Storage;

var builder = WebApplication.CreateBuilder(args);
var broker = builder.Configuration.GetConnectionString("RabbitMq") ?? throw new InvalidOperationException("Set ConnectionStrings__RabbitMq to amqp://user:password@host/vhost");
var management = builder.Configuration.GetValue<Uri>("RabbitMqManagement:Url") ?? throw new InvalidOperationException("Set RabbitMqManagement__Url to http://host:15672");

builder.Services.AddControllersWithViews(options => options.Filters.Add(new AutoValidateAntiforgeryTokenAttribute()));
builder.AddSignIn();
builder.Services.AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.UsingRabbitMq((_, rabbit) => rabbit.Host(new Uri(broker)));
});

// The console: the broker, the board, and who may view and act.
builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse(broker, management));
builder.Services.AddDeadLetterCatalogue(_ => new CatalogueOptions { Database = Database.Parse(builder.Configuration.GetConnectionString("Catalogue") ?? "Data Source=dead-letters.db") });
builder.Services.AddAuthorizationBuilder().AddPolicy("view", policy => policy.RequireRole("clerk", "engineer")).AddPolicy("operate", policy => policy.RequireRole("engineer"));

var app = builder.Build();
app.UseStaticFiles();
app.UseRouting();
app.UseAuthentication();
app.UseAuthorization();
app.MapDefaultControllerRoute();
app.MapDeadLetters("/dead-letters", viewPolicy: "view", operatePolicy: "operate");

await app.RunAsync();
