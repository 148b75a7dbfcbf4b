using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Remote;

/// <summary>An operation that the command starts at a server, if answers are missing, or others act on the operation too.</summary>
public sealed class ServerOperationTests
{
    private const string Problem = "application/problem+json";
    private static readonly string[] _replay = ["replay", "--queue", StubApi.Queue, "--all", "--yes"];
    private static readonly string _operation = StubApi.Ended.Id;

    [Fact]
    public async Task Start_whose_answer_is_lost_is_sent_again_with_the_same_key()
    {
        await using var api = await StubApi.StartAsync();
        api.Instead = (http, path) => path == "POST operations" && api.StartKeys.Count == 1 ? StubApi.Break(http) : null;
        var result = await api.RunAsync(_replay);
        result.Code.ShouldBe(0, $"{result}");
        api.StartKeys.Count.ShouldBe(2);
        api.StartKeys.Distinct().ShouldHaveSingleItem().ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData(0, "", "", 3, true)] // the connection is lost each time
    [InlineData(502, "text/html", "<html>Bad gateway</html>", 3, true)]
    [InlineData(503, Problem, """{ "title": "The catalogue can’t be used", "detail": "It is not ready." }""", 3, true)]
    [InlineData(200, "text/html", "<html>Sign in</html>", 1, true)]
    [InlineData(202, "application/json", "{ \"id\": 1 }", 1, true)]
    [InlineData(409, Problem, """{ "title": "Dry run expired", "detail": "It can be run for 15 minutes." }""", 1, false)]
    [InlineData(401, Problem, """{ "title": "No access", "detail": "The token has expired." }""", 2, false)]
    public async Task Start_without_a_readable_answer_may_have_begun_and_the_command_says_where_to_look(int status, string contentType, string body, int code, bool mayHaveBegun)
    {
        await using var api = await StubApi.StartAsync();
        api.Instead = (http, path) => path != "POST operations" ? null : status == 0 ? StubApi.Break(http) : StubApi.WriteAsync(http, status, contentType, body);
        foreach (var verb in new[] { "replay", "discard" })
        {
            var result = await api.RunAsync([verb, .. _replay[1..]]);
            result.Code.ShouldBe(code, $"{result}");
            if (mayHaveBegun)
                result.Errors.ShouldContain($"The operation may have begun there. Before you run this again, see what was done: {api.Pages}audit");
            else
                result.Errors.ShouldNotContain("may have begun");
        }
    }

    [Theory]
    [InlineData("GET", 401, Problem, """{ "title": "No access", "detail": "The token has expired." }""")]
    [InlineData("GET", 404, Problem, """{ "title": "Operation not found", "detail": "It is unknown." }""")]
    [InlineData("GET", 200, "text/html", "<html>Sign in</html>")]
    [InlineData("GET", 200, "application/json", "{ \"id\": 1 }")]
    [InlineData("POST", 403, Problem, """{ "title": "Not allowed", "detail": "This needs the right to operate." }""")]
    public async Task Started_operation_that_can_no_longer_be_followed_or_ended_is_named_with_its_page(string method, int status, string contentType, string body)
    {
        await using var api = await StubApi.StartAsync();
        api.Now = StubApi.Paused(PauseReason.NewCause, "A new cause");
        api.Instead = (http, path) => path.StartsWith($"{method} operations/{_operation}", StringComparison.Ordinal) ? StubApi.WriteAsync(http, status, contentType, body) : null;
        var result = await api.RunAsync(_replay);
        result.Code.ShouldBe(1, $"{result}");
        result.Errors.ShouldContain($"The operation {_operation} may still run there: see {api.Pages}operations/{_operation}");
    }

    [Fact]
    public async Task Operation_that_has_ended_is_not_reported_as_failed_if_its_messages_can_not_be_listed()
    {
        await using var api = await StubApi.StartAsync();
        api.Instead = (http, path) => path == $"GET operations/{_operation}/messages" ? StubApi.WriteAsync(http, 404, Problem, """{ "title": "Operation not found", "detail": "It is unknown." }""") : null;
        var result = await api.RunAsync(_replay);
        result.Code.ShouldBe(1, $"{result}");
        result.Errors.ShouldContain($"The operation {_operation} has ended: 3 of 3 replayed: 3 handled. Only its list of messages is missing here: see {api.Pages}operations/{_operation}");
    }

    [Fact]
    public async Task Pause_that_a_user_requests_is_waited_for_and_does_not_end_the_replay_of_a_script()
    {
        await using var api = await StubApi.StartAsync();
        api.Now = StubApi.Paused(PauseReason.Requested, "requested by Kim");
        var asked = 0;
        api.OnAsked = it => it.Now = Interlocked.Increment(ref asked) < 3 ? it.Now : StubApi.Ended;
        var result = await api.RunAsync(_replay);
        result.Code.ShouldBe(0, $"{result}");
        result.Errors.ShouldContain($"Paused: requested by Kim. This command waits until someone resumes or cancels the replay: {api.Pages}operations/{_operation}");
        api.Requests.ShouldNotContain($"POST operations/{_operation}/cancel");
    }

    [Fact]
    public async Task Pause_for_a_new_cause_ends_the_replay_of_a_script_also_right_after_one_that_a_user_requested()
    {
        await using var api = await StubApi.StartAsync();
        api.Now = StubApi.Paused(PauseReason.Requested, "requested by Kim");
        var asked = 0;
        api.OnAsked = it => it.Now = Interlocked.Increment(ref asked) == 2 ? StubApi.Paused(PauseReason.NewCause, "A new cause") : it.Now;
        var result = await api.RunAsync([.. _replay, "--json"]);
        result.Code.ShouldBe(1, $"{result}");
        result.Json.GetProperty("pause").GetProperty("reason").GetString().ShouldBe("newCause");
        api.Requests.Count(request => request == $"POST operations/{_operation}/cancel").ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [SuppressMessage("Reliability", "CA2025", Justification = "The command is awaited before the keyboard is disposed")]
    public async Task Question_that_someone_answers_on_a_page_takes_no_answer_from_the_next_one(bool isTypedBetween)
    {
        await using var api = await StubApi.StartAsync();
        using var keyboard = new Keyboard();
        api.Now = StubApi.Paused(PauseReason.Failures, "3 of 5 messages failed again");
        var command = api.RunOnTerminalAsync(keyboard, _replay);
        await Eventually.SeeAsync(() => keyboard.Asked > 0, "the command asks");
        api.Now = StubApi.Running; // someone resumes it on the page
        var seen = api.Requests.Count;
        await Eventually.SeeAsync(() => api.Requests.Count > seen + 2, "the command follows the replay");
        if (isTypedBetween)
        {
            keyboard.Type("r");
            await Eventually.SeeAsync(() => keyboard.Taken == 1, "the line was read");
        }
        api.Now = StubApi.Paused(PauseReason.NewCause, "A new cause");
        if (!isTypedBetween)
        {
            seen = api.Requests.Count;
            await Eventually.SeeAsync(() => api.Requests.Count > seen + 2, "the command asks again");
        }
        keyboard.Type("c");
        var result = await command.WaitAsync(TimeSpan.FromSeconds(60));
        result.Code.ShouldBe(1, $"{result}");
        result.Errors.ShouldContain("Paused: A new cause");
        api.Requests.ShouldContain($"POST operations/{_operation}/cancel");
        api.Requests.ShouldNotContain($"POST operations/{_operation}/resume");
    }

    [Theory]
    [InlineData("orders_error")]
    [InlineData("orders_discarded")]
    public async Task Restore_takes_the_source_that_has_the_named_queue(string queue)
    {
        await using var api = await StubApi.StartAsync();
        api.Queues = new ApiQueues([StubApi.QueueOf("archive", "orders_old_discarded"), StubApi.QueueOf("shop", "orders_error"), StubApi.QueueOf("shop", "orders_discarded")], []);
        (await api.RunAsync("restore", "--queue", queue, "--all", "--yes")).Code.ShouldBe(0);
        var request = api.DryRuns.ShouldHaveSingleItem();
        (request.GetProperty("source").GetString(), request.GetProperty("queue").GetString()).ShouldBe(("shop", "orders_discarded"));
    }

    [Fact]
    public async Task Act_on_a_queue_that_another_source_has_or_may_have_needs_the_name_of_the_source()
    {
        await using var api = await StubApi.StartAsync();
        foreach (var (verb, queue) in new[] { ("restore", "orders_error"), ("restore", "orders_discarded"), ("replay", "orders_error"), ("discard", "orders_error") })
        {
            api.Queues = new ApiQueues([StubApi.QueueOf("shop", "orders_error"), StubApi.QueueOf("shop", "orders_discarded"), StubApi.QueueOf("archive", queue)], []);
            (await api.RunAsync(verb, "--queue", queue, "--all", "--yes")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("Select one with --source: shop, archive"));
            api.Queues = new ApiQueues([StubApi.QueueOf("shop", "orders_error"), StubApi.QueueOf("shop", "orders_discarded")], [new ApiSourceProblem("archive", "The broker is unreachable")]);
            (await api.RunAsync(verb, "--queue", queue, "--all", "--yes")).ShouldSatisfyAllConditions(
                it => it.Code.ShouldBe(3), it => it.Errors.ShouldContain($"archive does not answer (The broker is unreachable), and may have a queue {queue} too. Select the source with --source"));
        }
        api.DryRuns.ShouldBeEmpty();
    }

    [Fact]
    public async Task Command_does_not_conclude_from_the_queues_of_the_other_sources_if_one_does_not_answer()
    {
        await using var api = await StubApi.StartAsync();
        api.Queues = new ApiQueues([StubApi.QueueOf("shop", "orders_error") with { Messages = 0 }], [new ApiSourceProblem("archive", "The broker is unreachable")]);
        foreach (var command in new string[][]
        {
            ["replay", "--all", "--yes"], ["discard", "--all", "--yes"], ["restore", "--all", "--yes"], ["export"], ["list", "--groups"], ["edit", "0123456789abcdef"],
            ["restore", "--queue", "orders_error", "--all", "--yes"], ["edit", "0123456789abcdef", "--queue", "orders_error"],
        })
        {
            var result = await api.RunAsync(command);
            result.Code.ShouldBe(3, $"{string.Join(' ', command)}: {result}");
            result.Errors.ShouldContain(command.Contains("orders_error") ? "archive does not answer" : "it is not known which queue is meant");
        }
        api.Requests.ShouldAllBe(request => request == "GET queues"); // no letter was revealed
    }

    [Fact]
    public async Task List_without_the_queues_of_a_source_that_does_not_answer_is_not_reported_as_complete()
    {
        await using var api = await StubApi.StartAsync();
        api.Instead = (http, path) => path == "GET operations" ? StubApi.WriteAsync(http, 200, "application/json", """{ "operations": [] }""") : null;
        api.Queues = api.Queues with { Problems = [new ApiSourceProblem("archive", "The broker is unreachable")] };
        foreach (var json in new string[][] { [], ["--json"] })
        {
            var result = await api.RunAsync(["list", .. json]);
            result.Code.ShouldBe(1, $"{result}");
            $"{result.Output}{result.Errors}".ShouldContain("archive: The broker is unreachable");
        }
        api.Queues = api.Queues with { Queues = [] };
        var none = await api.RunAsync("list");
        none.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(3), it => it.Errors.ShouldContain("archive: The broker is unreachable"), it => it.Output.ShouldBeEmpty());
    }

    [Theory]
    [InlineData(DeadLetterProblem.Unreachable, 3)]
    [InlineData(DeadLetterProblem.Blocked, 3)]
    [InlineData(DeadLetterProblem.NoSuchQueue, 2)]
    [InlineData(DeadLetterProblem.Refused, 1)]
    [InlineData(null, 1)]
    public async Task Operation_that_fails_has_the_exit_code_of_its_problem(DeadLetterProblem? problem, int code)
    {
        await using var api = await StubApi.StartAsync();
        api.Now = StubApi.Ended with { State = ApiState.Failed, Result = null, Problem = "It failed at the broker", ProblemKind = problem };
        var result = await api.RunAsync(_replay);
        (result.Code, result.Errors.Trim()).ShouldBe((code, "It failed at the broker"), $"{result}");
    }

    // ReadLine waits for a line, as on a terminal.
    private sealed class Keyboard : TextReader
    {
        private readonly BlockingCollection<string> _lines = [];
        private int _asked;
        private int _taken;

        public int Asked => Volatile.Read(ref _asked);

        public int Taken => Volatile.Read(ref _taken);

        public void Type(string line) => _lines.Add(line);

        public override string? ReadLine()
        {
            Interlocked.Increment(ref _asked);
            var line = _lines.Take();
            Interlocked.Increment(ref _taken);
            return line;
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            _lines.Dispose();
        }
    }
}
