using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.Doctor;

/// <summary>How the doctor reads the management API: by GET requests only, and without a connection to the broker. The API is a stand-in.</summary>
public sealed class SnapshotReaderTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly Dictionary<string, (int Status, string Json)> _answers = new()
    {
        ["/api/overview"] = (200, """{"rabbitmq_version":"4.4.0-rc.1","management_version":"4.4.0"}"""),
        ["/api/vhosts"] = (200, """[{"name":"other","default_queue_type":"stream"},{"name":"a/b","default_queue_type":"quorum"}]"""),
        ["/api/queues/a/b"] = (200, """[{"name":"orders","type":"classic","durable":true,"exclusive":false,"auto_delete":false,"arguments":{}},{"name":"dead-letters.feed","durable":false},{"name":"dead-letters-lock:x","durable":false}]"""),
        ["/api/exchanges/a/b"] = (200, "[]"),
        ["/api/bindings/a/b"] = (200, "[]"),
        ["/api/policies/a/b"] = (200, "[]"),
        ["/api/vhosts/a/b/permissions"] = (200, """[{"user":"web","configure":".*","write":".*","read":".*"},{"user":"root","configure":".*","write":".*","read":".*"},{"user":"old","configure":".*","write":".*","read":".*"}]"""),
        ["/api/users"] = (200, """[{"name":"web","tags":["management"]},{"name":"root","tags":["administrator"]},{"name":"old","tags":"management,administrator"}]"""),
    };

    private WebApplication _api = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _api = builder.Build();
        _api.Run(http =>
        {
            _requests.Enqueue($"{http.Request.Method} {http.Request.Path}");
            var (status, json) = _answers.GetValueOrDefault(Uri.UnescapeDataString(http.Request.Path), (404, "{}"));
            http.Response.StatusCode = status;
            http.Response.ContentType = "application/json";
            return http.Response.WriteAsync(json);
        });
        await _api.StartAsync();
    }

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task Check_sends_only_GET_requests_and_opens_no_connection_to_the_broker()
    {
        var diagnosis = await RunAsync();

        diagnosis.Broker.ShouldBe("4.4.0");
        diagnosis.Findings.Select(finding => $"{finding.Rule} {finding.Queue}").ShouldBe(["default-queue-type orders", "wide-permissions "]);
        diagnosis.Unchecked.ShouldBeEmpty();
        _requests.ShouldAllBe(request => request.StartsWith("GET ", StringComparison.Ordinal));
        _requests.Count.ShouldBe(_answers.Count);
    }

    [Fact]
    public async Task User_without_the_tag_administrator_gets_the_rest()
    {
        foreach (var path in new[] { "/api/policies/a/b", "/api/vhosts/a/b/permissions", "/api/users" })
            _answers[path] = (401, """{"error":"not_authorised","reason":"Not administrator user"}""");
        var diagnosis = await RunAsync();
        diagnosis.Findings.Select(finding => finding.Rule).ShouldBe(["default-queue-type"]);
        diagnosis.Unchecked.Select(one => one.Rule).ShouldBe(["wide-permissions"]);
    }

    [Theory]
    [InlineData("/api/overview", 401, "{}", "refuses the user reader: it needs the tag management, and permissions on a/b")]
    [InlineData("/api/queues/a/b", 404, "{}", "refuses the user reader")] // RabbitMQ 4 answers so to a user without permissions on a virtual host that it sees
    [InlineData("/api/queues/a/b", 500, "{}", "returned 500")]
    [InlineData("/api/overview", 200, "<html>", "is unreachable")]
    public async Task Api_that_refuses_or_is_not_one_is_an_error(string path, int status, string json, string expected)
    {
        _answers[path] = (status, json);
        var error = await Should.ThrowAsync<DeadLetterException>(() => RunAsync());
        error.Problem.ShouldBe(DeadLetterProblem.Unreachable);
        error.Message.ShouldContain(expected);
    }

    [Theory]
    [InlineData("""["administrator"]""", "Virtual host a/b does not exist on the broker of")]
    [InlineData("\"management,monitoring\"", "Virtual host a/b does not exist on the broker of")]
    [InlineData("""["management"]""", ", or the user reader has no permissions on it")]
    public async Task Virtual_host_that_does_not_exist_is_not_reported_as_refused_permissions(string tags, string expected)
    {
        _answers["/api/queues/a/b"] = (404, "{}");
        _answers["/api/vhosts"] = (200, """[{"name":"other"}]""");
        _answers["/api/whoami"] = (200, $$"""{"name":"reader","tags":{{tags}}}""");
        var error = await Should.ThrowAsync<DeadLetterException>(() => RunAsync());
        error.Problem.ShouldBe(DeadLetterProblem.Unreachable);
        error.Message.ShouldContain(expected);
        error.Message.Contains("or the user", StringComparison.Ordinal).ShouldBe(expected.Contains("or the user", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Queue_that_does_not_exist_is_an_error() =>
        (await Should.ThrowAsync<DeadLetterException>(() => RunAsync("nope"))).Problem.ShouldBe(DeadLetterProblem.NoSuchQueue);

    private async Task<Diagnosis> RunAsync(string? queue = null)
    {
        var options = DeadLetterOptions.Parse("amqp://reader:reader@127.0.0.1:1/a%2Fb", new Uri(_api.Urls.First())); // no broker listens on port 1
        using var client = new DeadLetterClient(options, new AuditFile(Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl")));
        return await client.DiagnoseAsync(queue, CancellationToken.None);
    }
}
