using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Dashboard;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The pages in applications of several kinds, on a real port: styles and script load, a replay's form works, nothing is logged as a problem.</summary>
public sealed partial class MountedHostTests
{
    private const string Queue = "/dead-letters/queues/orders_error";

    [Fact]
    public async Task Host_with_cookies()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(orders);
        await WalkAsync(orders, host);
    }

    [Fact]
    public async Task Host_below_a_path_base()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(orders, use: app => app.UsePathBase("/shop"));
        await WalkAsync(orders, host, prefix: "/shop");
    }

    [Fact]
    public async Task Host_behind_a_proxy_that_removes_a_prefix()
    {
        await using var orders = await Orders.CreateAsync();
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedPrefix };
        await using var host = await MountedHost.StartAsync(orders, use: app => app.UseForwardedHeaders(forwarded));
        await using var proxy = await StrippingProxy.StartAsync(host.Address, "/apps/shop");
        await WalkAsync(orders, host, prefix: "/apps/shop", address: proxy.Address);
    }

    [Fact]
    public async Task Host_with_response_compression()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(
            orders,
            builder =>
            {
                MountedHost.AddCookies(builder);
                builder.Services.AddResponseCompression(options => options.EnableForHttps = true);
            },
            app => app.UseResponseCompression());
        await WalkAsync(orders, host);
        using var http = new HttpClient { BaseAddress = host.Address };
        http.DefaultRequestHeaders.AcceptEncoding.ParseAdd("gzip");
        await http.PostAsync(new Uri("/sign-in/Erin/operator", UriKind.Relative), null);
        (await http.GetAsync(new Uri("/dead-letters", UriKind.Relative))).Content.Headers.ContentEncoding.ShouldContain("gzip");
    }

    [Fact]
    public async Task Host_with_its_own_strict_content_security_policy()
    {
        const string policy = "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'";
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(orders, use: app => app.Use((context, next) =>
        {
            context.Response.Headers.ContentSecurityPolicy = policy;
            return next(context);
        }));
        await WalkAsync(orders, host);
        using var client = new PageClient(host.Address);
        await client.PostWithoutTokenAsync("/sign-in/Erin/operator");
        using var page = await client.OpenAsync(Queue);
        page.Headers.GetValues("Content-Security-Policy").ShouldBe([policy]);
        Inline().IsMatch(await page.Content.ReadAsStringAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task Host_that_is_a_Blazor_Server_application()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(
            orders,
            builder =>
            {
                MountedHost.AddCookies(builder);
                builder.Services.AddRazorComponents().AddInteractiveServerComponents();
            },
            map: app =>
            {
                app.UseAntiforgery();
                app.MapRazorComponents<ShopPage>().AddInteractiveServerRenderMode();
            });
        using var client = new PageClient(host.Address);
        (await client.GetAsync("/")).Text.ShouldContain("The shop in Blazor");
        await WalkAsync(orders, host);
    }

    [Fact]
    public async Task Host_that_is_an_MVC_application_with_antiforgery_on_every_action()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(
            orders,
            builder =>
            {
                MountedHost.AddCookies(builder);
                builder.Services.AddControllersWithViews(options => options.Filters.Add(new AutoValidateAntiforgeryTokenAttribute()));
            },
            map: app => app.MapControllerRoute("default", "{controller=Shop}/{action=Index}/{id?}"));
        using var client = new PageClient(host.Address);
        (await client.GetAsync("/")).Html.ShouldContain("The shop in MVC");
        await WalkAsync(orders, host);
    }

    [Fact]
    public async Task Host_with_Swashbuckle_describes_its_own_endpoints_only()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(
            orders,
            builder =>
            {
                MountedHost.AddCookies(builder);
                builder.Services.AddEndpointsApiExplorer().AddSwaggerGen();
            },
            map: app =>
            {
                app.UseSwagger();
                app.MapGet("/orders/{id}", (int id) => id);
            });
        using var client = new PageClient(host.Address);
        var document = await client.GetAsync("/swagger/v1/swagger.json");
        document.Status.ShouldBe(HttpStatusCode.OK);
        document.Html.ShouldContain("/orders/{id}");
        document.Html.ShouldNotContain("dead-letters");
        await WalkAsync(orders, host);
    }

    [Fact]
    public async Task Two_virtual_hosts_and_two_mounts_side_by_side()
    {
        await using var orders = await Orders.CreateAsync();
        await using var billing = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(
            orders,
            builder =>
            {
                MountedHost.AddCookies(builder);
                builder.Services.AddDeadLetterSource("billing", _ => billing.Options);
            },
            map: app => app.MapDeadLetters("/operators/only", "operate", "operate"));
        await WalkAsync(orders, host);
        await WalkAsync(billing, host, queue: "/dead-letters/sources/billing/queues/orders_error");
        using var client = new PageClient(host.Address);
        await client.PostWithoutTokenAsync("/sign-in/Sam/support");
        (await client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync("/operators/only")).Status.ShouldBe(HttpStatusCode.Redirect); // to the page for those without access
        await client.PostWithoutTokenAsync("/sign-in/Erin/operator");
        var page = await client.GetAsync("/operators/only/sources/billing/queues");
        page.Html.ShouldContain("/operators/only/assets/dead-letters.css");
    }

    /// <summary>Opens the pages as a browser would, and replays all messages of a queue by its form.</summary>
    internal static async Task WalkAsync(Orders orders, MountedHost host, string prefix = "", Uri? address = null, string queue = Queue, PageClient? client = null, string by = "Erin")
    {
        await orders.PutFaultsAsync(3);
        using var own = client is null ? new PageClient(address ?? host.Address) : null;
        client ??= own!;
        if (own is not null)
            await client.PostWithoutTokenAsync($"{prefix}/sign-in/Erin/operator");
        var page = await client.GetAsync(prefix + "/dead-letters");
        page.Status.ShouldBe(HttpStatusCode.OK, page.Html);
        await SeeAssetsAsync(client, page, prefix);
        var causes = await client.GetAsync(prefix + queue);
        causes.Text.ShouldContain("3 dead letters");
        causes.Html.ShouldContain($"action=\"{prefix}{queue}/replay\"");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync($"{prefix}{queue}/replay", ("which", "all")));
        new Uri(dryRun.Path).AbsolutePath.ShouldStartWith(prefix + "/dead-letters/operations/");
        dryRun.Text.ShouldContain("nothing has moved yet");
        await using var application = await ReportingApplication.StartAsync(orders, _ => Handling.Succeeds);
        var outcome = await client.SeeEndAsync(await client.FollowAsync(dryRun.Path + "/run"));
        outcome.Text.ShouldContain("3 of 3 replayed: 3 handled");
        (await client.GetAsync(prefix + "/dead-letters/audit")).Text.ShouldContain($"by {by}");
        host.Problems.ShouldBeEmpty();
    }

    private static async Task SeeAssetsAsync(PageClient client, Answer page, string prefix)
    {
        foreach (var (name, type) in new[] { ("dead-letters.css", "text/css"), ("dead-letters.js", "text/javascript") })
        {
            var link = Asset().Matches(page.Html).Select(match => WebUtility.HtmlDecode(match.Groups[1].Value)).First(found => found.Contains(name, StringComparison.Ordinal));
            link.ShouldStartWith(prefix + "/dead-letters/assets/");
            using var asset = await client.OpenAsync(link);
            (asset.StatusCode, asset.Content.Headers.ContentType?.MediaType).ShouldBe((HttpStatusCode.OK, type));
            (await asset.Content.ReadAsStringAsync()).Length.ShouldBeGreaterThan(1000);
        }
    }

    [GeneratedRegex("(?:href|src)=\"([^\"]+)\"")]
    private static partial Regex Asset();

    [GeneratedRegex("""<script(?![^>]*\ssrc=)|<style|\sstyle="|\son[a-z]+=" """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Inline();
}

/// <summary>The page of a host in Blazor.</summary>
[Microsoft.AspNetCore.Components.Route("/")]
public sealed class ShopPage : ComponentBase
{
    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder) => builder.AddMarkupContent(0, "<!DOCTYPE html><html><body>The shop in Blazor</body></html>");
}

/// <summary>The page of a host in MVC.</summary>
public sealed class ShopController : Controller
{
    /// <summary>The first page.</summary>
    public IActionResult Index() => Content("The shop in MVC");
}
