using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>
/// Two instances of Web in two folders, behind a proxy that terminates HTTPS and sends the requests of one browser to either instance. The
/// instances share a database and a folder of keys.
/// </summary>
[Trait("broker", "any")] // tests cookies and keys only
public sealed partial class ReverseProxyTests(TwoWebs webs) : IClassFixture<TwoWebs>
{
    [Fact]
    public async Task Form_from_one_instance_of_Web_is_accepted_by_the_other_and_after_a_restart()
    {
        var (first, second) = (await OpenAsync(webs.A, "/"), await OpenAsync(webs.A, "/"));

        using (var answer = await PostAsync(webs.B, "/", first, ("email", "jane@example.com"), ("thought", "from A to B")))
            answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        await webs.A.StopAsync();
        await webs.A.StartAsync();
        using (var answer = await PostAsync(webs.A, "/", second, ("email", "jane@example.com"), ("thought", "before and after")))
            answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);

        Directory.GetFiles(webs.Keys, "key-*.xml").ShouldHaveSingleItem();
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(webs.Keys).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task Operator_signed_in_at_one_instance_of_Web_is_signed_in_at_the_other()
    {
        using var signedIn = await SignInAsync(webs.A, "operator", "203.0.113.1");
        signedIn.StatusCode.ShouldBe(HttpStatusCode.SeeOther);

        using var pages = await SendAsync(webs.B, new HttpRequestMessage(HttpMethod.Get, "/dead-letters"), Cookies(signedIn));

        pages.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("https", true)]
    [InlineData("http", false)]
    public async Task Cookies_are_secure_only_when_the_browser_uses_HTTPS(string scheme, bool secure)
    {
        using var form = await SendAsync(webs.A, new HttpRequestMessage(HttpMethod.Get, "/"), scheme: scheme);
        using var submitted = await PostAsync(webs.A, "/", await OpenAsync(webs.A, "/", scheme), ("email", "jane@example.com"), ("thought", "sealed"), scheme);
        using var signedIn = await SignInAsync(webs.A, "operator", secure ? "203.0.113.2" : "203.0.113.3", scheme);

        foreach (var (answer, names) in new[] { (form, [".AspNetCore.Antiforgery"]), (submitted, ["sender", "answered-in"]), (signedIn, new[] { "WorkinIt.Operator" }) })
        {
            var cookies = answer.Headers.GetValues("Set-Cookie").ToList();
            cookies.Count.ShouldBe(names.Length);
            foreach (var (cookie, name) in cookies.Zip(names))
            {
                cookie.ShouldStartWith(name, Case.Insensitive);
                cookie.Contains("; secure", StringComparison.OrdinalIgnoreCase).ShouldBe(secure, cookie);
                cookie.ShouldContain("httponly", Case.Insensitive);
            }
        }
    }

    [Fact]
    public async Task Sign_in_attempts_are_counted_by_the_client_address_that_the_proxy_saw()
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var refused = await SignInAsync(webs.A, $"guess{attempt}", $"198.51.100.{attempt}, 203.0.113.4"); // the proxy appends the address that it saw
            refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }
        using (var tooOften = await SignInAsync(webs.A, "operator", "198.51.100.99, 203.0.113.4"))
            tooOften.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        using (var another = await SignInAsync(webs.A, "operator", "203.0.113.5"))
            another.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    private static async Task<HttpResponseMessage> SignInAsync(ServiceProcess web, string user, string from, string scheme = "https")
    {
        var form = await OpenAsync(web, "/dead-letters/sign-in", scheme);
        return await PostAsync(web, "/dead-letters/sign-in", form, ("username", user), ("password", user), scheme, from);
    }

    private static async Task<OpenForm> OpenAsync(ServiceProcess web, string path, string scheme = "https")
    {
        using var page = await SendAsync(web, new HttpRequestMessage(HttpMethod.Get, path), scheme: scheme);
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        var fields = Hidden().Matches(await page.Content.ReadAsStringAsync()).Select(field => KeyValuePair.Create(field.Groups["name"].Value, field.Groups["value"].Value));
        return new OpenForm([.. fields], Cookies(page));
    }

    private static Task<HttpResponseMessage> PostAsync(
        ServiceProcess web, string path, OpenForm form, (string Name, string Value) first, (string Name, string Value) second, string scheme = "https", string from = "203.0.113.9") =>
        SendAsync(
            web,
            new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new FormUrlEncodedContent([.. form.Fields, KeyValuePair.Create(first.Name, first.Value), KeyValuePair.Create(second.Name, second.Value)]),
            },
            form.Cookie, scheme, from);

    private static async Task<HttpResponseMessage> SendAsync(ServiceProcess web, HttpRequestMessage request, string cookie = "", string scheme = "https", string from = "203.0.113.9")
    {
        using (request)
        {
            request.Headers.Add("X-Forwarded-Proto", scheme);
            request.Headers.Add("X-Forwarded-For", from);
            if (cookie.Length > 0)
                request.Headers.Add("Cookie", cookie);
            return await web.Http.SendAsync(request);
        }
    }

    private static string Cookies(HttpResponseMessage answer) =>
        string.Join("; ", answer.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));

    [GeneratedRegex("""<input(?=[^>]*type="hidden")[^>]*name="(?<name>[^"]+)"[^>]*value="(?<value>[^"]*)""")]
    private static partial Regex Hidden();
}

/// <summary>Two instances of Web with one folder of keys, and no Consumers.</summary>
public sealed class TwoWebs : IAsyncLifetime
{
    private WorkinItSystem? _system;

    public WorkinItSystem System => _system!;

    public ServiceProcess A { get; private set; } = null!;

    public ServiceProcess B { get; private set; } = null!;

    public string Keys => Path.Combine(_system!.Folder, "keys");

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(_system);
        _system.Settings["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
        _system.Settings["DataProtection__KeysDirectory"] = Keys;
        await _system.PrepareAsync();
        A = _system.NewWeb();
        // By default, ASP.NET Core treats an installation in another folder as another application.
        _system.Settings["ASPNETCORE_CONTENTROOT"] = Directory.CreateDirectory(Path.Combine(_system.Folder, "elsewhere")).FullName;
        B = _system.NewWeb();
        await A.StartAsync(); // creates the key; two instances that start at once with an empty folder may create one each, and both know both
        await B.StartAsync();
        await Eventually.SeeAsync(() => B.Log.Contains("elsewhere", StringComparison.Ordinal), "B runs in the folder elsewhere");
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }
}
