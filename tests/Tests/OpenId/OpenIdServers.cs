using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters.Server.Standalone;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.OpenId;

/// <summary>Two instances of the standalone server on one database and one key folder, whose users sign in at an issuer in this process. No broker answers.</summary>
public sealed class OpenIdServers : IAsyncLifetime
{
    public const string Board = "/dead-letters";
    public const string Viewers = "support";
    public const string Operators = "on call";

    private readonly string _folder = Directory.CreateTempSubdirectory("openid-").FullName;
    private readonly List<WebApplication> _apps = [];

    public OpenIdIssuer Issuer { get; private set; } = null!;

    /// <summary>The clock of both instances.</summary>
    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    public Uri One => new(_apps[0].Urls.First());

    public Uri Other => new(_apps[1].Urls.First());

    public async ValueTask InitializeAsync()
    {
        Issuer = await OpenIdIssuer.StartAsync();
        for (var instance = 0; instance < 2; instance++)
            _apps.Add(await StartAsync("openid profile offline_access"));
    }

    /// <summary>Starts another instance.</summary>
    /// <param name="scopes">The scopes that it asks for.</param>
    /// <param name="issuer">The address of its issuer; null: the one that answers.</param>
    /// <param name="change">Changes its services.</param>
    /// <param name="settings">More settings.</param>
    public async Task<WebApplication> StartAsync(string scopes, Uri? issuer = null, Action<IServiceCollection>? change = null, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["Serilog:MinimumLevel"] = "Fatal",
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:DeadLetters"] = "amqp://nobody:nothing@127.0.0.1:1/shop",
            ["RabbitMqManagement:Url"] = "http://127.0.0.1:1",
            ["ConnectionStrings:Catalogue"] = $"Data Source={Path.Combine(_folder, "catalogue.db")}",
            ["DataProtection:KeysDirectory"] = Path.Combine(_folder, "keys"),
            ["OpenIdConnect:Authority"] = (issuer ?? Issuer.Address).ToString(),
            ["OpenIdConnect:ClientId"] = OpenIdIssuer.ClientId,
            ["OpenIdConnect:ClientSecret"] = OpenIdIssuer.ClientSecret,
            ["OpenIdConnect:Scopes"] = scopes,
            ["OpenIdConnect:ViewGroups"] = Viewers,
            ["OpenIdConnect:OperateGroups"] = Operators,
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        var app = StandaloneServer.Create([.. all.Select(setting => $"--{setting.Key}={setting.Value}")], builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(Time);
            change?.Invoke(builder.Services);
        });
        await app.StartAsync();
        return app;
    }

    /// <summary>A user opens a page, and signs in at the issuer.</summary>
    /// <param name="user">The name of the user.</param>
    /// <param name="groups">The user's groups.</param>
    /// <param name="path">The page.</param>
    /// <returns>A client, and the answer that leads back to the page.</returns>
    public async Task<(PageClient Client, Answer Entered)> SignInAsync(string user, string[] groups, string path = Board)
    {
        Issuer.SetGroups(user, groups);
        var client = new PageClient(One);
        return (client, await client.GetAsync(await Issuer.OpenAsync(await StartAsync(client, path), user)));
    }

    /// <summary>A user without a session opens a page, and follows to the issuer.</summary>
    /// <returns>The address at the issuer.</returns>
    public static async Task<string> StartAsync(PageClient client, string path = Board)
    {
        var page = await client.GetAsync((await client.GetAsync(path)).Location!);
        return (await client.GetAsync(page.Link("/sign-in/start"))).Location!;
    }

    /// <summary>A new user of the issuer.</summary>
    public static string NewUser() => $"user-{RandomNumberGenerator.GetHexString(8)}";

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
        await Issuer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

internal static class OpenIdAnswers
{
    public static void ShouldLeadToSignIn(this Answer answer)
    {
        answer.Status.ShouldBe(System.Net.HttpStatusCode.Redirect);
        answer.Location.ShouldNotBeNull().ShouldContain("/dead-letters/sign-in?returnUrl=");
    }
}
