// A shop that takes orders over RabbitMQ, with the dead-letter console at /support/dead-letters. It uses no other part of WorkinIt.
using MassTransit;
using Microsoft.AspNetCore.Authentication.Cookies;
using Orders;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Storage;

var builder = WebApplication.CreateBuilder(args);
var broker = builder.Configuration.GetConnectionString("RabbitMq") ?? throw new InvalidOperationException("Set ConnectionStrings__RabbitMq to amqp://user:password@host/vhost");
var management = builder.Configuration.GetValue<Uri>("RabbitMqManagement:Url") ?? throw new InvalidOperationException("Set RabbitMqManagement__Url to http://host:15672");

// The shop: an ordinary MassTransit application.
builder.Services.AddSingleton<Stock>();
builder.Services.AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.AddConsumer<PlaceOrderConsumer>();
    bus.UsingRabbitMq((context, rabbit) =>
    {
        rabbit.Host(new Uri(broker));
        rabbit.UseReplayReports();
        rabbit.ReceiveEndpoint("place-order", endpoint => endpoint.ConfigureConsumer<PlaceOrderConsumer>(context));
    });
});
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
    .AddCookie(cookie => cookie.LoginPath = cookie.AccessDeniedPath = DevelopmentSignIn.Path);

// The dead-letter console: the address of the broker, the catalogue for the board (optional), and who may view and act.
builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse(broker, management), _ => builder.Configuration["AuditFile"] ?? "audit.jsonl");
builder.Services.AddDeadLetterCatalogue(_ => new CatalogueOptions { Database = Database.Parse(builder.Configuration.GetConnectionString("Catalogue") ?? "Data Source=dead-letters.db") });
builder.Services.AddAuthorizationBuilder()
    .AddPolicy("support", policy => policy.RequireRole("support", "engineer"))
    .AddPolicy("engineers", policy => policy.RequireRole("engineer"));

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapDeadLetters("/support/dead-letters", options =>
{
    options.ViewPolicy = "support";
    options.OperatePolicy = "engineers";
    options.ManagementUi = management;
    options.Title = "Orders: dead letters";
});
if (app.Environment.IsDevelopment())
    app.MapDevelopmentSignIn(next: "/support/dead-letters");

app.MapPost("/orders", async (PlaceOrder order, IPublishEndpoint bus) =>
{
    await bus.Publish(order);
    return Results.Accepted();
});
app.MapPut("/stock/{item}", (string item, Stock stock) => stock.Add(item));

await app.RunAsync();
