using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Testing;
using static WorkinIt.Dev.Machine.DockerEngine;

namespace WorkinIt.Dev.Containers;

/// <summary>./test cluster: tests compose.cluster.yaml as a user runs it, and kills a RabbitMQ node.</summary>
internal sealed class ClusterTest : IDisposable
{
    private static readonly string[] _queues =
        ["send-gif-email", "send-gif-email_error", "send-gif-email_skipped", "send-gif-email_suspect", "send-gif-email_delay_30s", "submission-status", "submission-status_error"];

    private readonly ComposeProject _compose;
    private readonly ComposeClient _client = new();
    private readonly string[] _webs = [.. new[] { "WEB", "WEB_2" }.Select(port => $"http://127.0.0.1:{ComposeProject.Port(port)}")];
    private string _killed = "";

    private ClusterTest(ComposeProject compose) => _compose = compose;

    /// <summary>Runs the tests.</summary>
    public static async Task RunAsync(TestRun run)
    {
        await using var compose = await ComposeProject.CreateAsync(run, "compose.cluster.yaml", "WEB", "WEB_2", "MANAGEMENT", "MAIL");
        using var test = new ClusterTest(compose);
        (string Name, Func<StepLog, Task> Work)[] steps =
        [
            ("builds the images", log => compose.RunAsync(log, "build")),
            ("starts", test.BringUpAsync),
            ("keeps each queue on three nodes, dead letters included", test.KeepsCopiesAsync),
            ("mails what each Web accepted", log => test.MailsFromEachAsync("accepted", log)),
            ("accepts a form that another Web rendered", test.AcceptsAnothersFormAsync),
            ("accepts and mails while the node that leads the queue is dead", test.LivesWithoutANodeAsync),
            ("lists dead letters meanwhile", test.StillListsDeadLettersAsync),
            ("lets the node rejoin", test.LetsTheNodeRejoinAsync),
            ("mails what was accepted afterwards", log => test.MailsFromEachAsync("afterwards", log)),
            ("has mailed none of them twice", test.HasMailedNoneTwiceAsync),
            ("leaves nothing behind after down with volumes", log => ComposeTest.TakeAllAwayAsync(compose, log)),
        ];
        foreach (var (name, work) in steps)
        {
            // Each test depends on the one before: after a failure, the others would only repeat it.
            if (!await run.TryAsync($"it {name}", run.LogOf($"cluster {name}"), work))
                return;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task BringUpAsync(StepLog log)
    {
        await _compose.RunAsync(log, "up", "-d", "--no-build", "--scale", "consumers=3");
        await log.AwaitAsync("all services are ready", 120, AllReadyAsync);
    }

    private async Task<bool> AllReadyAsync()
    {
        if (!await HttpProbe.AnswersOkAsync(ComposeProject.Port("WEB"), "/health/ready") || !await HttpProbe.AnswersOkAsync(ComposeProject.Port("WEB_2"), "/health/ready"))
            return false;
        foreach (var container in await _compose.ContainersAsync("consumers"))
        {
            if ((await DockerAsync("inspect", "-f", "{{.State.Health.Status}}", container)).Output.Trim() != "healthy")
                return false;
        }
        return true;
    }

    // Asks the node whose port is published. If that is the dead one, asks from inside another node's container.
    private async Task<JsonElement> AskManagementAsync(string path)
    {
        try
        {
            return await _client.AskManagementAsync(path);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            var script = $$"""
                exec 3<>/dev/tcp/127.0.0.1/15672 &&
                printf 'GET /api/%s HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n' '{{path}}' "$(printf operator:operator | base64)" >&3 && timeout 10 cat <&3
                """;
            var answer = (await _compose.CommandOf("exec", "-T", "rabbitmq-2", "bash", "-c", script).CaptureAsync()).Output;
            var body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and var end
                ? answer[(end + 4)..]
                : throw new ToolException($"No node answers api/{path}.");
            return JsonSerializer.Deserialize<JsonElement>(body);
        }
    }

    private async Task KeepsCopiesAsync(StepLog log)
    {
        foreach (var queue in _queues)
        {
            var answer = await AskManagementAsync($"queues/%2F/{queue}");
            var members = answer.GetProperty("members").EnumerateArray().Select(member => member.GetString()).Distinct().ToList();
            log.Say($"{queue}: {string.Join(", ", members)}");
            if (answer.GetProperty("type").GetString() != "quorum" || members.Count != 3)
                throw new ToolException($"{queue} must be a quorum queue on three nodes.");
        }
    }

    // Submits ten to each Web.
    private async Task MailsFromEachAsync(string name, StepLog log)
    {
        for (var number = 1; number <= 10; number++)
        {
            for (var web = 0; web < _webs.Length; web++)
                await _client.SubmitAsync(_webs[web], $"{name}-{number}-{web + 1}@example.org");
        }
        await log.AwaitAsync("20 mails", 90, () => HaveAllComeAsync(name, log));
    }

    // Mailpit's API names the recipient of a mail once. So does this part of the API of MailDev, which may replace Mailpit.
    private async Task<bool> HaveAllComeAsync(string name, StepLog log)
    {
        var pattern = $$"""
            "Address":"({{name}}-[0-9]+-[12])@example.org"|"address":"({{name}}-[0-9]+-[12])@example.org","name"
            """;
        var all = Regex.Matches(await _client.MailsAsync(), pattern).Select(match => match.Groups[1].Value + match.Groups[2].Value).ToList();
        log.Say($"{name}: {all.Count} mails");
        var twice = all.GroupBy(mail => mail).Where(group => group.Count() > 1).Select(group => group.Key).ToList();
        return twice.Count == 0 ? all.Count == 20 : throw new ToolException($"Mailed twice: {string.Join(", ", twice)}");
    }

    private async Task HasMailedNoneTwiceAsync(StepLog log)
    {
        foreach (var name in new[] { "accepted", "meanwhile", "afterwards" })
        {
            if (!await HaveAllComeAsync(name, log))
                throw new ToolException($"Not 20 mails of {name}.");
        }
    }

    private async Task AcceptsAnothersFormAsync(StepLog log)
    {
        var (status, location) = await _client.SubmitFormAsync(_webs[1], "by-form@example.org", _webs[0]);
        log.Say($"The form answered: {(int)status} {location}");
        if (status != HttpStatusCode.SeeOther)
            throw new ToolException("The form must answer 303 with the page of the submission.");
        await log.AwaitAsync("the mail", 30, () => _client.IsMailedAsync("by-form@example.org"));
    }

    private async Task LivesWithoutANodeAsync(StepLog log)
    {
        _killed = (await AskManagementAsync("queues/%2F/send-gif-email")).GetProperty("leader").GetString()!.Split('@')[1];
        log.Say($"Killing {_killed}.");
        await log.RunAsync("docker", "kill", await _compose.ContainerAsync(_killed));
        await MailsFromEachAsync("meanwhile", log);
    }

    private async Task StillListsDeadLettersAsync(StepLog log)
    {
        var container = await _compose.ContainerAsync("web-1");
        await log.AwaitAsync("a list without dead letters", 30, async () =>
        {
            var listed = await DockerAsync("exec", container, "dotnet", "/app/WorkinIt.Cli.dll", "dead-letters", "list");
            log.Say(listed.Output + listed.Errors);
            return listed.Output.Contains("No dead letters", StringComparison.Ordinal);
        });
    }

    private async Task LetsTheNodeRejoinAsync(StepLog log)
    {
        await _compose.RunAsync(log, "start", _killed);
        await log.AwaitAsync("all nodes run, and none is critical to a quorum", 60, async () =>
        {
            try
            {
                return (await AskManagementAsync("nodes")).EnumerateArray().Count(node => node.GetProperty("running").GetBoolean()) == 3
                    && (await AskManagementAsync("health/checks/node-is-quorum-critical")).GetProperty("status").GetString() == "ok";
            }
            catch (Exception e) when (e is ToolException or JsonException or KeyNotFoundException or InvalidOperationException)
            {
                return false;
            }
        });
    }
}
