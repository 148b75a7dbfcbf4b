using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Testing;
using static WorkinIt.Dev.Machine.DockerEngine;

namespace WorkinIt.Dev.Containers;

/// <summary>./test compose, first part: deploy/dead-letters/compose.yaml in front of a RabbitMQ with the queues of an application that knows nothing of WorkinIt.</summary>
internal sealed class BoardTest : IDisposable
{
    private const string Service = "dead-letters";
    private const string Image = "rabbitmq:4.3-management";
    private const string Board = "/dead-letters";
    private const string Errors = Board + "/queues/orders_error";

    private readonly ComposeProject _compose;
    private readonly BoardClient _client = new($"http://127.0.0.1:{ComposeProject.Port("BOARD")}");

    private BoardTest(ComposeProject compose) => _compose = compose;

    private string Broker => $"{_compose.Name}-rabbitmq";

    /// <summary>Runs the tests.</summary>
    public static async Task RunAsync(TestRun run)
    {
        var settings = Path.Combine(run.State, "dead-letters.env");
        await File.WriteAllTextAsync(settings, """
            ConnectionStrings__DeadLetters=amqp://operator:operator@rabbitmq:5672
            RabbitMqManagement__Url=http://rabbitmq:15672
            DeadLetters__OutcomeWait=00:00:05
            Logging__Format=Json

            """);
        Environment.SetEnvironmentVariable("WORKINIT_BOARD_SETTINGS", settings);
        await using var compose = await ComposeProject.CreateAsync(run, "deploy/dead-letters/compose.yaml", "BOARD", "BROKER");
        using var test = new BoardTest(compose);
        (string Name, Func<StepLog, Task> Work)[] steps =
        [
            ("builds the image", log => compose.RunAsync(log, "build")),
            ("is healthy before a broker answers", test.StartsAsync),
            ("runs as a user without privileges that can't write to the image", test.HasNoRightsAsync),
            ("asks for a sign-in, and refuses a wrong password", test.AsksForASignInAsync),
            ("shows a dead letter of the application to a RabbitMQ user, who replays it", test.ReplaysAsync),
            ("keeps the catalogue, the audit log and the sign-in in a new container", test.KeepsAllAsync),
            ("stops in time", test.StopsAsync),
            ("leaves nothing behind after down with volumes", test.TakeAllAwayAsync),
        ];
        try
        {
            foreach (var (name, work) in steps)
            {
                // Each test depends on the one before: after a failure, the others would only repeat it.
                if (!await run.TryAsync($"the console {name}", run.LogOf($"board {name}"), work))
                    return;
            }
        }
        finally
        {
            await DockerAsync("rm", "-fv", test.Broker);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task StartsAsync(StepLog log)
    {
        await _compose.RunAsync(log, "up", "-d", "--no-build");
        await log.AwaitAsync("the container is healthy", 90, IsHealthyAsync);
    }

    private async Task<bool> IsHealthyAsync() =>
        (await DockerAsync("inspect", "-f", "{{.State.Health.Status}}", await _compose.ContainerAsync(Service))).Output.Trim() == "healthy";

    private async Task HasNoRightsAsync(StepLog log) => await ComposeTest.RequireNoRightsAsync(_compose, Service, log);

    private async Task AsksForASignInAsync(StepLog log)
    {
        var definitions = Path.Combine(Repository.Dev, "definitions.json");
        var configuration = Path.Combine(Repository.Dev, "rabbitmq.conf");
        await log.RunAsync(
            "docker", "run", "-d", "--name", Broker, "--hostname", "rabbitmq", "--network", $"{_compose.Name}_default", "--network-alias", "rabbitmq",
            "-p", $"127.0.0.1:{ComposeProject.Port("BROKER")}:15672", "-v", $"{definitions}:/etc/rabbitmq/definitions.json:ro", "-v", $"{configuration}:/etc/rabbitmq/conf.d/90-workinit.conf:ro", Image);
        await log.AwaitAsync("the broker answers", 90, () => HttpProbe.AnswersOkAsync(ComposeProject.Port("BROKER"), "/api/health/checks/port-listener/5672", "operator"));
        var (status, location, _) = await _client.GetAsync(Board);
        log.Say($"The page answered: {(int)status} {location}");
        if (status != HttpStatusCode.Redirect || !location.Contains(Board + "/sign-in", StringComparison.Ordinal))
            throw new ToolException("The page must ask for a sign-in.");
        if (await SignInAsync("wrong") != HttpStatusCode.Unauthorized)
            throw new ToolException("A wrong password must be refused.");
    }

    private async Task<HttpStatusCode> SignInAsync(string password)
    {
        await _client.GetAsync(Board + "/sign-in");
        return (await _client.PostAsync(Board + "/sign-in", ("username", "operator"), ("password", password))).Status;
    }

    // The queues as MassTransit declares them, and a message as it writes it.
    private async Task ReplaysAsync(StepLog log)
    {
        foreach (var queue in new[] { "orders", "orders_error" })
        {
            await ManageAsync(HttpMethod.Put, $"queues/%2F/{queue}", new { durable = true });
            await ManageAsync(HttpMethod.Put, $"exchanges/%2F/{queue}", new { type = "fanout", durable = true });
            await ManageAsync(HttpMethod.Post, $"bindings/%2F/e/{queue}/q/{queue}", new { routing_key = "" });
        }
        if (await SignInAsync("operator") != HttpStatusCode.SeeOther)
            throw new ToolException("The RabbitMQ user operator must be able to sign in.");
        await ManageAsync(HttpMethod.Post, "exchanges/%2F/orders_error/publish", Letter());
        await log.AwaitAsync("the board shows the cause", 60, async () => (await _client.GetAsync(Board)).Html.Contains("The warehouse did not answer", StringComparison.Ordinal));
        await _client.GetAsync(Errors);
        var dryRun = await EndOfAsync(await PostAsync($"{Errors}/replay", ("which", "all")), log);
        await EndOfAsync(await PostAsync($"{dryRun}/run"), log);
        await log.AwaitAsync("the message is in the application's queue", 30, async () => await ReadyAsync("orders") == 1 && await ReadyAsync("orders_error") == 0);
    }

    private async Task<string> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        var (status, location, html) = await _client.PostAsync(path, fields);
        return status == HttpStatusCode.SeeOther ? location : throw new ToolException($"POST {path} answered {(int)status}: {html}");
    }

    private async Task<string> EndOfAsync(string operation, StepLog log)
    {
        await log.AwaitAsync($"{operation} has ended", 60, async () =>
            await _client.GetAsync(operation) is (HttpStatusCode.OK, _, var html) && !html.Contains("data-live", StringComparison.Ordinal));
        return operation;
    }

    private async Task KeepsAllAsync(StepLog log)
    {
        await _compose.RunAsync(log, "up", "-d", "--no-build", "--force-recreate");
        await log.AwaitAsync("the container is healthy", 90, IsHealthyAsync);
        var (status, _, audit) = await _client.GetAsync(Board + "/audit");
        if (status != HttpStatusCode.OK || !audit.Contains("operator", StringComparison.Ordinal) || !audit.Contains("orders_error", StringComparison.Ordinal))
            throw new ToolException($"The audit log must have the replay, for the user who is still signed in: {(int)status} {audit}");
    }

    private async Task StopsAsync(StepLog log)
    {
        await _compose.RunAsync(log, "stop");
        var container = await _compose.ContainerAsync(Service);
        var code = await RequireAsync("inspect", "-f", "{{.State.ExitCode}}", container);
        if (code != "0") // 137: it was killed after its grace period
            throw new ToolException($"The console ended with exit code {code}.");
        var lines = (await DockerAsync("logs", container)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines.Any(line => !line.StartsWith('{')))
            throw new ToolException("Each line of the log must be a JSON object.");
    }

    private async Task TakeAllAwayAsync(StepLog log)
    {
        await DockerAsync("rm", "-fv", Broker);
        await ComposeTest.TakeAllAwayAsync(_compose, log);
    }

    private static object Letter()
    {
        var headers = new Dictionary<string, string>
        {
            ["MT-Reason"] = "fault",
            ["MT-Fault-ExceptionType"] = "System.TimeoutException",
            ["MT-Fault-Message"] = "The warehouse did not answer",
            ["MT-Fault-Timestamp"] = DateTimeOffset.UtcNow.ToString("O"),
            ["MT-Fault-InputAddress"] = "rabbitmq://rabbitmq/orders",
        };
        var id = Guid.NewGuid();
        return new
        {
            properties = new { message_id = id, content_type = "application/vnd.masstransit+json", delivery_mode = 2, headers },
            routing_key = "",
            payload = $$"""{"messageId":"{{id}}","messageType":["urn:message:Shop:PlaceOrder"],"message":{"number":1} }""",
            payload_encoding = "string",
        };
    }

    private static async Task<long> ReadyAsync(string queue) =>
        (await ManageAsync(HttpMethod.Get, $"queues/%2F/{queue}", null)).TryGetProperty("messages_ready", out var ready) ? ready.GetInt64() : -1;

    private static async Task<JsonElement> ManageAsync(HttpMethod method, string path, object? body)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, new Uri($"http://127.0.0.1:{ComposeProject.Port("BROKER")}/api/{path}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("operator:operator")));
        if (body is not null)
            request.Content = JsonContent.Create(body);
        using var response = await http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        var text = await response.Content.ReadAsStringAsync();
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }
}
