using System.Text.Json;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Scanning;

/// <summary>
/// ./test scan: scans Web with Debian's scanner wapiti, once anonymously and once as a signed-in operator, on a broker with dead letters. Modules left
/// out: those that call a server on the internet (ssrf, xxe), need a third-party database (nikto, wapp), or guess names or passwords (buster,
/// brute_login_form). Sign-ins are limited, which other tests check.
/// </summary>
internal sealed partial class WebScan
{
    private static readonly string[] _modules =
        ["backup", "blindsql", "timesql", "crlf", "csp", "csrf", "exec", "file", "htaccess", "http_headers", "methods", "permanentxss", "redirect", "shellshock", "sql", "xss"];

    private static readonly string[] _kinds = ["vulnerabilities", "anomalies", "additionals"];

    private readonly string _folder;
    private readonly ScannedServices _services;

    private WebScan(string folder, ScannedServices services) => (_folder, _services) = (folder, services);

    /// <summary>Runs the tests.</summary>
    public static async Task RunAsync(TestRun run)
    {
        var folder = Path.Combine(run.State, "scan");
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(Path.Combine(folder, "keys"));
        TestRun.Heading("a scan of Web");
        await using var services = new ScannedServices(run, folder);
        var scan = new WebScan(folder, services);
        Task<bool> ItAsync(string name, Func<StepLog, Task> work) => run.TryAsync($"it {name}", Path.Combine(folder, "what"), work);
        if (!await ItAsync("serves HTTPS", services.StartAsync) || !await ItAsync("has something to scan: a sent mail, dead letters, an operator", services.FillAsync))
            return;
        await ItAsync("has no finding above informational for an anonymous visitor", scan.AsStrangerAsync);
        await ItAsync("has no finding above informational for an operator", scan.AsOperatorAsync);
        await ItAsync("has logged no error", scan.NoErrorLoggedAsync);
    }

    private async Task AsStrangerAsync(StepLog log)
    {
        var web = _services.Web;
        string[] pages = [$"submissions/{_services.Submission}", $"api/submissions/{_services.Submission}", "api-reference", "openapi/v1.json", "dead-letters/sign-in"];
        await ScanAsync(log, "stranger", 5, ["-u", $"{web}/", "-m", await KnownModulesAsync(["cookieflags", .. _modules]), .. pages.SelectMany(page => new[] { "-s", $"{web}/{page}" })]);
    }

    // Cookies are sent as a header, so that a sign-out does not end the scan.
    private async Task AsOperatorAsync(StepLog log)
    {
        var page = $"{_services.Web}/dead-letters";
        await ScanAsync(log, "operator", 10, ["-u", $"{page}/", "-s", page, "-m", await KnownModulesAsync(_modules), "-H", $"Cookie: {_services.OperatorCookies}"]);
    }

    // The modules that this version of wapiti has: in later versions, timesql is part of blindsql.
    private static async Task<string> KnownModulesAsync(string[] modules)
    {
        var list = await new Command("wapiti", "--list-modules").CaptureAsync();
        var known = ModuleName().Matches(list.Output + list.Errors).Select(match => match.Groups[1].Value).ToHashSet();
        return string.Join(',', modules.Where(known.Contains));
    }

    // Fails if the scan found fewer pages than expected, because then it scanned nothing.
    private async Task ScanAsync(StepLog log, string who, int pages, string[] arguments)
    {
        var report = Path.Combine(_folder, $"{who}.json");
        string[] options =
        [
            "--timeout", "15", "-d", "3", "--max-scan-time", "30", "--max-attack-time", "8", "-v", "1", "--no-bugreport",
            "--store-session", Path.Combine(_folder, $"{who}.session"), "--store-config", Path.Combine(_folder, $"{who}.config"), "-f", "json", "-o", report,
        ];
        var scanned = await new Command("wapiti", [.. arguments, .. options]).CaptureAsync(TimeSpan.FromSeconds(300), log.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_folder, $"{who}.log"), scanned.Output + scanned.Errors);
        if (!scanned.Succeeded)
            throw new ToolException($"wapiti ended with exit code {scanned.Code}.\n{string.Join('\n', (scanned.Output + scanned.Errors).Split('\n').TakeLast(20))}");
        var found = Page().Matches(scanned.Output + scanned.Errors).Select(match => match.Value).Distinct().Count();
        log.Say($"{found} pages and forms");
        if (found < pages)
            throw new ToolException($"The scan found {found} pages and forms, fewer than {pages}.");
        using var findings = JsonDocument.Parse(await File.ReadAllTextAsync(report));
        if (Findings(findings.RootElement).Count(finding => Shown(finding, log)) is > 0 and var count)
            throw new ToolException($"{count} findings above informational.");
    }

    private static IEnumerable<(string Name, JsonElement Finding)> Findings(JsonElement report) =>
        from kind in _kinds
        from category in report.GetProperty(kind).EnumerateObject()
        from finding in category.Value.EnumerateArray()
        select (category.Name, finding);

    private static bool Shown((string Name, JsonElement Finding) found, StepLog log)
    {
        var (name, finding) = found;
        var isSerious = finding.GetProperty("level").GetInt32() > 0;
        log.Say($"{(isSerious ? "FOUND" : "info")}  {name}: {finding.GetProperty("method")} {finding.GetProperty("path")} {finding.GetProperty("parameter")}: {finding.GetProperty("info")}");
        return isSerious;
    }

    private Task NoErrorLoggedAsync(StepLog log)
    {
        if (!_services.WebIsRunning)
            throw new ToolException("Web has exited.");
        string[] errors = [.. Output.Lines(_services.WebLog).Where(line => Error().IsMatch(line))];
        return errors.Length == 0 ? Task.CompletedTask : throw new ToolException(string.Join('\n', errors));
    }

    [GeneratedRegex(@"^\s+(\w+)\b", RegexOptions.Multiline)]
    private static partial Regex ModuleName();

    [GeneratedRegex(@"^\[\+\] (?:GET|POST) [^ ?\n]+", RegexOptions.Multiline)]
    private static partial Regex Page();

    [GeneratedRegex(" (?:ERR|FTL) ")]
    private static partial Regex Error();
}
