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

namespace WorkinIt.SignIn;

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

    /// <summary>The policy of those who may view.</summary>
    public const string View = "view dead letters";

    /// <summary>The policy of those who may act.</summary>
    public const string Operate = "operate on dead letters";

    /// <summary>The role of those who may act, for a sign-in without RabbitMQ's tags.</summary>
    public const string OperateRole = "operate";

    /// <summary>Adds the pages, if the settings name a broker.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="sessions">The name of the database of the sessions: that of its connection string.</param>
    /// <param name="signIn">Adds another sign-in; null: RabbitMQ's users sign in.</param>
    public static void AddDeadLetterPages(this WebApplicationBuilder builder, string sessions, Action<IServiceCollection>? signIn = null)
    {
        if (DeadLetterSettings.Read(builder.Configuration, sessions) is not { } settings)
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
        if (signIn is not null)
            signIn(services);
        else
            services.AddOperatorSignIn(settings.Management, provider => provider.GetRequiredService<IConfiguration>().GetDatabase(sessions));
    }

    /// <summary>Adds the sign-in, its sessions, and the two policies.</summary>
    /// <param name="services">The services.</param>
    /// <param name="management">The management API that checks the users.</param>
    /// <param name="sessions">Returns the database of the sessions.</param>
    public static void AddOperatorSignIn(this IServiceCollection services, Uri management, Func<IServiceProvider, Database> sessions)
    {
        services.AddSingleton<SignInLimit>();
        services.AddTransient<SignInService>();
        services.AddTransient<RabbitMqUserTags>();
        services.AddTransient<OperatorSessionCheck>();
        services.AddSingleton(provider => new OperatorSessions(
            sessions(provider), provider.GetRequiredService<IDataProtectionProvider>(), provider.GetRequiredService<TimeProvider>()));
        services.AddRefitGeneratedClient<IManagementSignIn>()
            .ConfigureHttpClient(http => (http.BaseAddress, http.Timeout) = (management, TimeSpan.FromSeconds(10)))
            .RemoveAllLoggers(); // the request headers contain the password
        services.AddOperatorCookie(context => context.HttpContext.RequestServices.GetRequiredService<OperatorSessionCheck>().ValidateAsync(context));
    }

    /// <summary>Adds the cookie of signed-in users, and the two policies.</summary>
    /// <param name="services">The services.</param>
    /// <param name="check">Checks the session of a cookie on each request.</param>
    public static void AddOperatorCookie(this IServiceCollection services, Func<CookieValidatePrincipalContext, Task> check)
    {
        services.AddAuthentication(Scheme).AddCookie(Scheme, cookie => Configure(cookie, check));
        services.AddOperatorPolicies();
    }

    /// <summary>Maps the pages, if they were added.</summary>
    /// <param name="app">The application.</param>
    /// <param name="title">The title of the pages.</param>
    /// <param name="signOut">Signs out from another sign-in; null: from RabbitMQ's.</param>
    public static void MapDeadLetterPages(this WebApplication app, string title, RequestDelegate? signOut = null)
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
            options.Title = title;
            options.TokenRequestsPerMinute = settings.TokenRequestsPerMinute;
        });
        app.MapSignOut(signOut);
    }

    /// <summary>Maps the sign-out.</summary>
    public static void MapSignOut(this WebApplication app, RequestDelegate? signOut = null) => app.MapPost(SignOutPath, signOut ?? SignOutAsync).RequireAuthorization(View);

    /// <summary>Creates or migrates the tables of the sessions.</summary>
    public static void MigrateSessions(Database database) => DatabaseSchema.Migrate(database, typeof(AddOperatorSessions).Assembly);

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

    private static void Configure(CookieAuthenticationOptions cookie, Func<CookieValidatePrincipalContext, Task> check)
    {
        cookie.Cookie.Name = "WorkinIt.Operator";
        cookie.Cookie.Path = Path; // not sent to the form and the API
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SameSite = SameSiteMode.Lax; // so that a link in a chat opens its page; each action also needs an antiforgery token
        cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookie.ExpireTimeSpan = OperatorSessions.Life;
        cookie.SlidingExpiration = false;
        cookie.Events.OnValidatePrincipal = check;
        cookie.Events.OnRedirectToLogin = context =>
        {
            if (OperatorSessionCheck.IsUnknown(context.HttpContext))
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                context.Response.Headers.RetryAfter = "10";
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
