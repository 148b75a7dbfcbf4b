using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Refit;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.DeliveryAdvice;
using WorkinIt.Storage;

namespace WorkinIt.Web.SignIn;

/// <summary>
/// The dead-letter pages, open only to RabbitMQ users: the tag <c>administrator</c> may act, the other tags may view. The sign-in only
/// authorizes. On the broker the pages act as their own user, and the audit names the signed-in user.
/// </summary>
internal static class OperatorSignIn
{
    public const string Path = "/dead-letters";
    public const string SignInPath = Path + "/sign-in";
    public const string Scheme = "Operator";
    public const string SignOutPath = Path + "/sign-out";

    private const string View = "view dead letters";
    private const string Operate = "operate on dead letters";

    public static void AddDeadLetterPages(this WebApplicationBuilder builder)
    {
        if (DeadLetterSettings.Read(builder.Configuration) is not { } settings)
            return;
        var services = builder.Services;
        services.AddSingleton(settings);
        if (settings.Ledger is { } ledger)
            services.AddDeliveryAdvice(ledger);
        services.AddDeadLetters(_ => settings.Broker, settings.AuditFile is { } file ? _ => file : null);
        foreach (var source in settings.Sources)
            AddSource(services, source);
        if (settings.Catalogue is { } catalogue)
            services.AddDeadLetterCatalogue(_ => catalogue, _ => NotificationOptions.FromSettings(builder.Configuration));
        services.AddSingleton<SignInLimit>();
        services.AddTransient<SignInService>();
        services.AddTransient<OperatorRights>();
        services.AddTransient<OperatorSessionCheck>();
        services.AddSingleton(provider => new OperatorSessions(
            provider.GetRequiredService<IConfiguration>().GetDatabase("Submissions"), provider.GetRequiredService<IDataProtectionProvider>(), provider.GetRequiredService<TimeProvider>()));
        services.AddRefitGeneratedClient<IManagementSignIn>()
            .ConfigureHttpClient(http => (http.BaseAddress, http.Timeout) = (settings.Management, TimeSpan.FromSeconds(10)))
            .RemoveAllLoggers(); // the request headers contain the password
        services.AddAuthentication(Scheme).AddCookie(Scheme, Configure);
        services.AddAuthorizationBuilder()
            .AddPolicy(View, policy => policy.AddAuthenticationSchemes(Scheme).RequireAuthenticatedUser())
            .AddPolicy(Operate, policy => policy.AddAuthenticationSchemes(Scheme).RequireRole("administrator"));
    }

    public static void MapDeadLetterPages(this WebApplication app)
    {
        if (app.Services.GetService<DeadLetterSettings>() is not { } settings)
            return;
        CheckSources(app);
        app.MapDeadLetters(Path, options =>
        {
            options.ViewPolicy = View;
            options.OperatePolicy = Operate;
            options.ManagementUi = settings.ManagementUi;
            options.SignOutPath = SignOutPath;
            options.Title = "WorkinIt dead letters";
        });
        app.MapPost(SignOutPath, (RequestDelegate)SignOutAsync).RequireAuthorization(View);
    }

    private static void AddSource(IServiceCollection services, SourceSettings source)
    {
        try
        {
            services.AddDeadLetterSource(source.Name, _ => source.Broker);
        }
        catch (FormatException e)
        {
            throw DeadLetterSettings.Bad($"DeadLetters__Sources__{source.Name}: {e.Message}");
        }
    }

    private static void CheckSources(WebApplication app)
    {
        try
        {
            _ = app.Services.GetRequiredService<DeadLetterClient>(); // of the default source; the others are connected with it
        }
        catch (InvalidOperationException e)
        {
            throw DeadLetterSettings.Bad($"DeadLetters__Sources: {e.Message}");
        }
    }

    private static void Configure(CookieAuthenticationOptions cookie)
    {
        cookie.Cookie.Name = "WorkinIt.Operator";
        cookie.Cookie.Path = Path; // not sent to the form and the API
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SameSite = SameSiteMode.Lax; // so that a link in a chat opens its page; each action also needs an antiforgery token
        cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookie.ExpireTimeSpan = OperatorSessions.Life;
        cookie.SlidingExpiration = false;
        cookie.Events.OnValidatePrincipal = context => context.HttpContext.RequestServices.GetRequiredService<OperatorSessionCheck>().ValidateAsync(context);
        cookie.Events.OnRedirectToLogin = context =>
        {
            if (OperatorSessionCheck.IsUnknown(context.HttpContext))
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return Task.CompletedTask;
            }
            // Signing in does not repeat a POST. After it, the user returns to the start page and can repeat the action there.
            var back = HttpMethods.IsGet(context.Request.Method) ? context.Request.Path + context.Request.QueryString : Path;
            context.Response.Redirect($"{SignInPath}?returnUrl={Uri.EscapeDataString(back)}");
            return Task.CompletedTask;
        };
        cookie.Events.OnRedirectToAccessDenied = context =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };
    }

    private static async Task SignOutAsync(HttpContext http)
    {
        if (!await http.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(http))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        if (OperatorSessionCheck.KeyOf(http.User) is { } key)
            http.RequestServices.GetRequiredService<OperatorSessions>().End(key);
        await http.SignOutAsync(Scheme);
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = SignInPath;
    }
}
