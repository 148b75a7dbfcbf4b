// The baseline for measuring Web's start: an ASP.NET Core app that does nothing else.
var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => "");
await app.RunAsync();
