using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Remote;

/// <summary>The API of a server that has one queue with three dead letters and runs one operation, whose state the test sets.</summary>
internal sealed class StubApi : IAsyncDisposable
{
    public const string Queue = "orders_error";
    private const string DryRun = "0f2c4d7e8a1b3c5d6e7f8091a2b3c4d5";
    private const string Base = "/dead-letters/api/v1/";
    private static readonly ApiResult _all = new() { Selected = 3, Done = 3, Refused = 0, Held = 3 };

    private StubServer? _server;

    /// <summary>The queues.</summary>
    public ApiQueues Queues { get; set; } = new([QueueOf("shop", Queue)], []);

    /// <summary>The operation as it is now.</summary>
    public ApiOperation Now { get; set; } = Ended;

    /// <summary>Is called before each answer about the operation.</summary>
    public Action<StubApi> OnAsked { get; set; } = _ => { };

    /// <summary>Answers instead of the API, by the method and the path below that of the API; null: the API does.</summary>
    public Func<HttpContext, string, Task?> Instead { get; set; } = (_, _) => null;

    /// <summary>The methods and paths of all requests.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The bodies of the requests for a dry run.</summary>
    public ConcurrentQueue<JsonElement> DryRuns { get; } = new();

    /// <summary>The idempotency keys of the requests that start the operation.</summary>
    public ConcurrentQueue<string> StartKeys { get; } = new();

    /// <summary>The operation after its end.</summary>
    public static ApiOperation Ended { get; } = ApiOperation.Example with { Summary = "3 of 3 replayed: 3 handled", Result = _all, Outcomes = null, Progress = new ApiProgress(3, 3, 3, 0, 3) };

    /// <summary>The operation while it runs.</summary>
    public static ApiOperation Running { get; } = Ended with { State = ApiState.Running, Result = null, EndedAt = null, Summary = null };

    /// <summary>The address of the pages.</summary>
    public string Pages => $"{_server!.Url}/dead-letters/";

    public static async Task<StubApi> StartAsync()
    {
        var api = new StubApi();
        api._server = await StubServer.StartAsync(api.AnswerAsync);
        return api;
    }

    /// <summary>The operation while it is paused.</summary>
    public static ApiOperation Paused(PauseReason reason, string text) => Running with { State = ApiState.Paused, Pause = new ApiPause(reason, text, "Resume", 5) };

    /// <summary>A queue with three messages.</summary>
    public static ApiQueue QueueOf(string source, string name) => new(source, name, "orders", 3, name.EndsWith("_discarded", StringComparison.Ordinal), null, null, null);

    /// <summary>Breaks off the connection.</summary>
    public static Task Break(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    /// <summary>Answers with a body.</summary>
    public static Task WriteAsync(HttpContext http, int status, string contentType, string body)
    {
        (http.Response.StatusCode, http.Response.ContentType) = (status, contentType);
        return http.Response.WriteAsync(body);
    }

    /// <summary>Runs a command on this server.</summary>
    /// <param name="arguments">The command line after <c>dead-letters</c>.</param>
    public Task<CommandResult> RunAsync(params string[] arguments) => Command.RunAsync(Line(arguments));

    /// <summary>Runs a command on this server as on a terminal.</summary>
    /// <param name="input">What its user types.</param>
    /// <param name="arguments">The command line after <c>dead-letters</c>.</param>
    public Task<CommandResult> RunOnTerminalAsync(TextReader input, params string[] arguments) => Command.RunOnTerminalAsync(input, Line(arguments));

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    private static OperatorCommand Command => new(new Dictionary<string, string> { ["WORKINIT_TOKEN"] = "wdl_0123456789abcdef" });

    private string[] Line(string[] arguments) => ["dead-letters", .. arguments, "--server", _server!.Url];

    private async Task AnswerAsync(HttpContext http)
    {
        var path = $"{http.Request.Method} {http.Request.Path.Value![Base.Length..]}";
        Requests.Enqueue(path);
        if (path == "POST operations")
            StartKeys.Enqueue(http.Request.Headers["Idempotency-Key"].ToString());
        if (path.StartsWith($"GET operations/{Ended.Id}", StringComparison.Ordinal))
            OnAsked(this);
        if (Instead(http, path) is { } other)
        {
            await other;
            return;
        }
        if (path == "POST dry-runs")
            DryRuns.Enqueue((await JsonDocument.ParseAsync(http.Request.Body)).RootElement);
        if (path.EndsWith("/cancel", StringComparison.Ordinal))
            Now = Ended;
        object answer = path switch
        {
            "GET queues" => Queues,
            "POST dry-runs" => ApiOperation.DryRunExample with { Id = DryRun, Result = _all },
            _ when path.EndsWith("/messages", StringComparison.Ordinal) => new ApiMessages([], null),
            _ => Now,
        };
        await WriteAsync(http, 200, "application/json", Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(answer, answer.GetType(), ApiAnswer.Json)));
    }
}
