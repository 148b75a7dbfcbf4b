// A third-party application: a shop that does not depend on WorkinIt's services and mounts the dead-letter pages at /support/dead-letters.
using System.Security.Claims;
using MassTransit;
using Microsoft.AspNetCore.Authentication.Cookies;
using Orders;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard;

var builder = WebApplication.CreateBuilder(args);
var broker = builder.Configuration.GetConnectionString("RabbitMq") ?? throw new InvalidOperationException("Set ConnectionStrings__RabbitMq to amqp://user:password@host/vhost");
var management = builder.Configuration.GetValue<Uri>("RabbitMqManagement:Url") ?? throw new InvalidOperationException("Set RabbitMqManagement__Url to http://host:15672");

builder.Services.AddSingleton<Stock>();
builder.Services.AddMassTransit(bus =>
{
    bus.DisableUsageTelemetry();
    bus.AddConsumer<PlaceOrderConsumer>();
    bus.UsingRabbitMq((context, rabbit) =>
    {
        rabbit.Host(new Uri(broker));
        rabbit.ReceiveEndpoint("place-order", endpoint => endpoint.ConfigureConsumer<PlaceOrderConsumer>(context));
    });
});

// The dead-letter pages: the address of the broker, and who may view and act.
builder.Services.AddDeadLetters(_ => DeadLetterOptions.Parse(broker, management), _ => builder.Configuration["AuditFile"] ?? "audit.jsonl");
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();
builder.Services.AddAuthorizationBuilder()
    .AddPolicy("support", policy => policy.RequireRole("support", "engineer"))
    .AddPolicy("engineers", policy => policy.RequireRole("engineer"));

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapDeadLetters("/support/dead-letters", options =>
{
    options.LookPolicy = "support";
    options.ActPolicy = "engineers";
    options.ManagementUi = management;
    options.Title = "Orders: dead letters";
});

app.MapPost("/orders", async (PlaceOrder order, IPublishEndpoint bus) =>
{
    await bus.Publish(order);
    return Results.Accepted();
});
app.MapPut("/stock/{item}", (string item, Stock stock) => stock.Add(item));

// Only for the tests: callers choose their own name and role. A real application uses its existing sign-in.
app.MapPost("/sign-in/{name}/{role}", (string name, string role) => Results.SignIn(
    new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, name), new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Role, role)], "sample"))));

await app.RunAsync();
