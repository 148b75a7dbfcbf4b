using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Testing;
using static WorkinIt.Dev.Machine.DockerEngine;

namespace WorkinIt.Dev.Containers;

/// <summary>./test compose: tests compose.yaml as a user runs it.</summary>
internal sealed partial class ComposeTest : IDisposable
{
    private static readonly string[] _services = ["web", "consumers"];
    private readonly ComposeProject _compose;
    private readonly ComposeClient _client = new();
    private readonly string _web = $"http://127.0.0.1:{ComposeProject.Port("WEB")}";

    private ComposeTest(ComposeProject compose) => _compose = compose;

    /// <summary>Runs the tests.</summary>
    public static async Task RunAsync(TestRun run)
    {
        await using var compose = await ComposeProject.CreateAsync(run, "compose.yaml", "WEB", "CONSUMERS", "AMQP", "MANAGEMENT", "SMTP", "MAIL");
        using var test = new ComposeTest(compose);
        (string Name, Func<StepLog, Task> Work)[] steps =
        [
            ("builds the images", log => compose.RunAsync(log, "build")),
            ("starts", test.BringUpAsync),
            ("runs as a user without privileges that can't write to the image", test.HasNoRightsAsync),
            ("mails what the API accepted", test.MailsByApiAsync),
            ("mails what the form accepted", test.MailsByFormAsync),
            ("shows dead letters to an operator, by page and command", test.ShowsDeadLettersAsync),
            ("finishes the mails in flight when it is stopped, and sends none twice", test.StopsInOrderAsync),
            ("keeps the messages in the queue through down and up", test.KeepsTheQueueAsync),
            ("leaves nothing behind after down with volumes", log => TakeAllAwayAsync(compose, log)),
        ];
        foreach (var (name, work) in steps)
        {
            // Each test depends on the one before: after a failure, the others would only repeat it.
            if (!await run.TryAsync($"it {name}", run.LogOf($"compose {name}"), work))
                return;
        }
    }

    /// <summary>Checks that no container and no volume is left.</summary>
    public static async Task TakeAllAwayAsync(ComposeProject compose, StepLog log)
    {
        await compose.RunAsync(log, "down", "-v");
        var filter = $"label=com.docker.compose.project={compose.Name}";
        var left = await RequireAsync("ps", "-aq", "--filter", filter) + await RequireAsync("volume", "ls", "-q", "--filter", filter);
        if (left.Length > 0)
            throw new ToolException($"Left behind: {left}");
    }

    /// <summary>Checks that a container runs as a user without privileges that can't write to the image. From outside: the images have no shell.</summary>
    public static async Task RequireNoRightsAsync(ComposeProject compose, string service, StepLog log)
    {
        var container = await compose.ContainerAsync(service);
        var users = (await RequireAsync("top", container, "-eo", "pid,uid")).Split('\n').Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1]).Distinct().ToList();
        log.Say($"{service}: user {string.Join(' ', users)}");
        if (users is not [var user] || !int.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == 0)
            throw new ToolException($"{service} must run as one user, and not as root.");
        if (await RequireAsync("inspect", "-f", "{{.HostConfig.ReadonlyRootfs}}", container) != "true")
            throw new ToolException($"{service}: its file system is writable.");
        if ((await DockerAsync("cp", Path.Combine(Repository.Root, "LICENSE"), $"{container}:/app/written")).Succeeded)
            throw new ToolException($"{service}: a file could be written to its program folder.");
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task BringUpAsync(StepLog log)
    {
        await _compose.RunAsync(log, "up", "-d", "--no-build");
        await log.AwaitAsync("both services are ready", 90, BothReadyAsync);
    }

    private static async Task<bool> BothReadyAsync() =>
        await HttpProbe.AnswersOkAsync(ComposeProject.Port("WEB"), "/health/ready") && await HttpProbe.AnswersOkAsync(ComposeProject.Port("CONSUMERS"), "/health/ready");

    private async Task HasNoRightsAsync(StepLog log)
    {
        foreach (var service in _services)
            await RequireNoRightsAsync(_compose, service, log);
    }

    private async Task MailsByApiAsync(StepLog log)
    {
        await _client.SubmitAsync(_web, "by-api@example.org");
        await log.AwaitAsync("the mail", 30, () => _client.IsMailedAsync("by-api@example.org"));
    }

    private async Task MailsByFormAsync(StepLog log)
    {
        var (status, location) = await _client.SubmitFormAsync(_web, "by-form@example.org", _web);
        log.Say($"The form answered: {(int)status} {location}");
        if (status != HttpStatusCode.SeeOther || !location.Contains("/submissions/", StringComparison.Ordinal))
            throw new ToolException("The form must answer 303 with the page of the submission.");
        await log.AwaitAsync("the mail", 30, () => _client.IsMailedAsync("by-form@example.org"));
    }

    private async Task ShowsDeadLettersAsync(StepLog log)
    {
        var (status, location) = await _client.GetAsync($"{_web}/dead-letters");
        log.Say($"The page answered: {(int)status} {location}");
        if (status != HttpStatusCode.Redirect || !location.Contains("/dead-letters/sign-in", StringComparison.Ordinal))
            throw new ToolException("The page must ask for a sign-in.");
        var listed = await log.RunAsync(new Command(Path.Combine(Repository.Root, "workinit"), "dead-letters", "list")
        {
            Variables = new Dictionary<string, string?> { ["WORKINIT_OPERATOR"] = "jane" },
        });
        if (!listed.Output.Contains("No dead letters", StringComparison.Ordinal))
            throw new ToolException("./workinit does not say that there are no dead letters.");
    }

    // More mails than Consumers send at once, to a mail server that takes seconds for each, so that some are in flight.
    private async Task StopsInOrderAsync(StepLog log)
    {
        Environment.SetEnvironmentVariable("Smtp__SimulatedDelay", "00:00:04");
        await _compose.RunAsync(log, "up", "-d", "--no-build", "consumers");
        Environment.SetEnvironmentVariable("Smtp__SimulatedDelay", null);
        await log.AwaitAsync("both services are ready", 60, BothReadyAsync);
        for (var number = 1; number <= 48; number++)
            await _client.SubmitAsync(_web, $"in-flight-{number}@example.org", $"in flight {number}");
        // Three rounds of 16: when some are sent, others are in flight and not yet handed to the mail server.
        await log.AwaitAsync("some mails are sent, and some are in flight", 30, async () =>
            (await InFlightMailsAsync()).Count > 0 && (await QueueAsync("messages_unacknowledged")) > 0);
        foreach (var service in _services)
            await StopAsync(service, log);
        var sent = await InFlightMailsAsync();
        log.Say($"{sent.Count} mails were sent by then");
        if (sent.Count == 0)
            throw new ToolException("No mail was sent before the stop.");
        await BringUpAsync(log);
        await log.AwaitAsync("all mails", 60, async () => (await InFlightMailsAsync()).Distinct().Count() == 48);
        await Task.Delay(TimeSpan.FromSeconds(5)); // a second mail would arrive right after the first
        var twice = (await InFlightMailsAsync()).GroupBy(mail => mail).Where(group => group.Count() > 1).Select(group => group.Key).ToList();
        if (twice.Count > 0)
            throw new ToolException($"Mailed twice: {string.Join(", ", twice)}");
    }

    private async Task StopAsync(string service, StepLog log)
    {
        var clock = Stopwatch.StartNew();
        await _compose.RunAsync(log, "stop", service);
        var code = await RequireAsync("inspect", "-f", "{{.State.ExitCode}}", await _compose.ContainerAsync(service));
        log.Say($"{service}: exit code {code} after {clock.Elapsed.TotalSeconds:0} s");
        if (code != "0") // 137: it was killed after its grace period
            throw new ToolException($"{service} ended with exit code {code}.");
    }

    private async Task KeepsTheQueueAsync(StepLog log)
    {
        await _compose.RunAsync(log, "stop", "consumers");
        await _client.SubmitAsync(_web, "kept@example.org");
        await log.AwaitAsync("one message waits", 30, async () => await QueueAsync("messages_ready") == 1);
        await _compose.RunAsync(log, "down");
        await BringUpAsync(log);
        await log.AwaitAsync("the mail", 30, () => _client.IsMailedAsync("kept@example.org"));
    }

    private async Task<long> QueueAsync(string count) =>
        (await _client.AskManagementAsync("queues/%2F/send-gif-email")).TryGetProperty(count, out var value) ? value.GetInt64() : -1;

    private async Task<List<string>> InFlightMailsAsync() => [.. InFlight().Matches(await _client.MailsAsync()).Select(match => match.Groups[1].Value)];

    [GeneratedRegex("(?:\"read\":(?:true|false),\"subject\"|\"Subject\"):\"[^\"]*(in flight [0-9]+)\"")]
    private static partial Regex InFlight();
}
