using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Remote;

/// <summary>The command with <c>--server</c>, over a catalogue without a broker, and over servers that answer otherwise.</summary>
public sealed class ServerCommandTests
{
    private const string Token = "wdl_0123456789abcdef";

    [Theory]
    [InlineData(401, "application/problem+json", """{ "title": "No access", "detail": "The token has expired." }""", 2, "The token has expired. Set WORKINIT_TOKEN")]
    [InlineData(403, "application/problem+json", """{ "title": "Not allowed", "detail": "This needs the right to operate.", "advice": "Use a token with the scope operate." }""", 1, "scope operate")]
    [InlineData(404, "application/problem+json", """{ "title": "Queue not found", "detail": "There is no queue x_error." }""", 2, "There is no queue x_error")]
    [InlineData(404, "text/html", "<html>nothing</html>", 2, "is not the API of dead-letter pages: it answers with status 404 and text/html")]
    [InlineData(200, "text/html", "<html>Sign in</html>", 2, "is not the API of dead-letter pages: it answers with status 200 and text/html")]
    [InlineData(200, "application/json", "{ \"queues\": 1 }", 2, "can't read")]
    [InlineData(409, "application/problem+json", """{ "title": "No catalogue", "detail": "There is none.", "advice": "Name a queue instead." }""", 1, "Name a queue instead.")]
    [InlineData(429, "application/problem+json", """{ "title": "Too many requests", "detail": "A token may send 600." }""", 3, "Try again after 3600 s")]
    [InlineData(503, "application/problem+json", """{ "title": "The catalogue can’t be used", "detail": "It is not ready." }""", 3, "It is not ready.")]
    [InlineData(502, "text/html", "<html>Bad gateway</html>", 3, "answers with status 502")]
    public async Task Answer_that_is_not_a_success_says_what_to_do(int status, string contentType, string body, int code, string says)
    {
        await using var server = await StubServer.StartAsync(status, contentType, body);
        var result = await Command(Token).RunAsync("dead-letters", "list", "--server", server.Url);
        result.Code.ShouldBe(code, $"{result}");
        result.Errors.ShouldContain(says);
        result.Output.ShouldBeEmpty();
        result.Errors.ShouldNotContain(Token);
    }

    [Fact]
    public async Task Token_is_sent_to_the_server_and_not_to_the_address_of_a_redirect()
    {
        await using var other = await StubServer.StartAsync(200, "application/json", "{}");
        await using var server = await StubServer.StartAsync(http =>
        {
            http.Response.Redirect($"{other.Url}/sign-in?state=secret");
            return Task.CompletedTask;
        });
        var result = await Command(Token).RunAsync("dead-letters", "list", "--server", server.Url);
        (result.Code, result.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain($"redirect to {other.Url}"), it => it.Errors.ShouldNotContain("secret"));
        server.Tokens.ShouldHaveSingleItem().ShouldBe($"Bearer {Token}");
        other.Tokens.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("ConnectionStrings__RabbitMq", "dead-letters", "serve", "--server", "https://shop.example.com")]
    [InlineData("ConnectionStrings__RabbitMq", "dead-letters", "import", "file.jsonl", "--server", "https://shop.example.com")]
    [InlineData("ConnectionStrings__RabbitMq", "dead-letters", "test", "1", "--server", "https://shop.example.com")]
    [InlineData("ConnectionStrings__RabbitMq", "dead-letters", "grant", "jane", "--server", "https://shop.example.com")]
    [InlineData("ConnectionStrings__RabbitMq", "dead-letters", "audit", "--originals", "1", "--server", "https://shop.example.com")]
    [InlineData("ConnectionStrings__RabbitMq", "dead-letters", "replay", "--queue", "q_error", "--all", "--copy", "--to", "q", "--yes", "--server", "https://shop.example.com")]
    [InlineData("--as and --server", "dead-letters", "list", "--as", "jane", "--server", "https://shop.example.com")]
    [InlineData("--wait and --server", "dead-letters", "replay", "--queue", "q_error", "--all", "--wait", "5s", "--server", "https://shop.example.com")]
    [InlineData("--pause-at and --server", "dead-letters", "replay", "--queue", "q_error", "--all", "--pause-at", "5", "--server", "https://shop.example.com")]
    [InlineData("--source and --allow-http need --server", "dead-letters", "list", "--source", "shop")]
    [InlineData("unencrypted", "dead-letters", "list", "--server", "http://shop.example.com")]
    public async Task What_a_server_can_not_do_is_refused_before_anything_is_sent(string says, params string[] arguments)
    {
        var result = await Command(Token).RunAsync(arguments);
        result.Code.ShouldBe(2, $"{result}");
        result.Errors.ShouldContain(says);
    }

    [Fact]
    public async Task Missing_token_is_named_with_the_page_that_makes_one()
    {
        var result = await Command(token: null).RunAsync("dead-letters", "list", "--server", "https://shop.example.com/ops");
        result.Code.ShouldBe(2);
        result.Errors.ShouldContain("WORKINIT_TOKEN is not set: make a token at https://shop.example.com/ops/tokens");
        (await Command("wdl_1\nX-Evil: 1").RunAsync("dead-letters", "list", "--server", "https://shop.example.com")).Errors.ShouldContain("is not a token");
    }

    [Fact]
    public async Task Server_that_is_not_there_is_unreachable()
    {
        var result = await Command(Token).RunAsync("dead-letters", "list", "--server", "http://127.0.0.1:1");
        result.Code.ShouldBe(3, $"{result}");
        result.Errors.ShouldContain("http://127.0.0.1:1/dead-letters/ is unreachable: ");
    }

    [Theory]
    [InlineData("[red]")] // a style of the terminal's markup
    [InlineData("[/]")] // the end of one, which is an error without a beginning
    [InlineData("[nope")]
    public async Task Texts_of_a_server_are_not_read_as_markup_of_the_terminal(string text)
    {
        await using var server = await StubServer.StartAsync(http => http.Response.WriteAsJsonAsync<object>(http.Request.Path.Value!.Split('/')[^1] switch
        {
            "queues" => new { Queues = new[] { new { Source = text, Name = $"q{text}_error", InputQueue = text, Messages = 2, IsDiscarded = false, AccessWarning = text } }, Problems = Array.Empty<string>() },
            "causes" => new { Letters = 1, Causes = new[] { new { Id = text, ExceptionType = text, Text = text, Frame = text, Count = 1, Queues = Array.Empty<string>() } } },
            "search" => new { Letters = new[] { new { Source = text, Queue = $"q{text}_error", Id = text, MessageId = $"m{text}", ExceptionType = text, Cause = text, Reason = text, State = "there" } } },
            _ => new { Operations = Array.Empty<string>() },
        }));
        string[] at = ["--server", server.Url, "--queue", $"q{text}_error"];
        foreach (var arguments in new string[][] { ["list", "--server", server.Url], ["list", "--groups", .. at], ["list", .. at] })
        {
            var result = await Command(Token).RunAsync(["dead-letters", .. arguments]);
            result.Code.ShouldBe(0, $"{string.Join(' ', arguments)}: {result}");
            result.Output.Split('\n').Count(line => line.TrimStart().StartsWith(arguments.Contains("--queue") ? text : $"q{text}_error", StringComparison.Ordinal)).ShouldBe(1, $"{result}");
        }
    }

    [Fact]
    public async Task Causes_letters_and_one_letter_are_read_from_the_catalogue_masked_and_a_reveal_is_audited()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = new FailedLetter();
        await site.AddAsync(letter, new FailedLetter { MessageId = Guid.CreateVersion7(), Message = """{"email":"kim@example.com"}""" });
        await site.QueueAsync("orders_error", 2);
        var command = Command((await site.MakeTokenAsync()).Secret);
        string[] at = ["--server", site.Address.ToString(), "--queue", "orders_error", "--json"];
        var id = letter.Build().Id;

        var causes = await command.RunAsync(["dead-letters", "list", "--groups", .. at]);
        causes.Json.GetProperty("groups")[0].GetProperty("cause").GetProperty("id").GetString().ShouldBe(letter.Build().Cause.Id, $"{causes}");
        var found = await command.RunAsync(["dead-letters", "list", "--where", "text=kim@example.com", .. at]);
        found.Json.GetProperty("letters").GetArrayLength().ShouldBe(1, $"{found}");
        (await command.RunAsync(["dead-letters", "list", "--limit", "1", .. at])).Json.GetProperty("letters").GetArrayLength().ShouldBe(1);

        var masked = await command.RunAsync(["dead-letters", "show", id, .. at]);
        masked.Json.GetProperty("id").GetString().ShouldBe(id, $"{masked}");
        masked.Output.ShouldNotContain("jane@example.com");
        (await site.Audit.ReadAsync(null, 10, default)).ShouldBeEmpty();
        var revealed = await command.RunAsync(["dead-letters", "show", id, "--reveal", .. at]);
        revealed.Json.GetProperty("message").GetProperty("email").GetString().ShouldBe("jane@example.com");
        revealed.Json.GetProperty("body").GetString().ShouldNotBeNullOrEmpty();
        (await site.Audit.ReadAsync(null, 10, default)).ShouldHaveSingleItem().By.ShouldStartWith("Sam (token deploy-bot, t_");
        var audit = await command.RunAsync("dead-letters", "audit", "--server", site.Address.ToString(), "--json");
        audit.Json[0].GetProperty("verb").GetString().ShouldBe("reveal", $"{audit}");

        var text = await command.RunAsync("dead-letters", "show", id, "--queue", "orders_error", "--server", site.Address.ToString());
        text.Output.ShouldContain("Message, masked (--reveal shows it)");
        (await command.RunAsync(["dead-letters", "show", "jane@example.com", .. at])).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("addresses are logged"));
        (await command.RunAsync(["dead-letters", "show", "0123456789abcdef", .. at])).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(3), it => it.Errors.ShouldContain("broker is unreachable")); // only the broker could have it
    }

    [Fact]
    public async Task Message_that_is_too_long_to_be_shown_is_edited_completely()
    {
        await using var site = await CatalogueSite.StartAsync();
        var letter = new FailedLetter { Message = $$"""{"numbers":[{{string.Join(',', Enumerable.Repeat(1, 30_000))}}],"last":true}""" }; // it is shown with a line for each number
        await site.AddAsync(letter);
        await site.QueueAsync("orders_error", 1);
        var folder = Directory.CreateTempSubdirectory("edited-");
        try
        {
            var command = new OperatorCommand(new Dictionary<string, string> { ["WORKINIT_TOKEN"] = (await site.MakeTokenAsync()).Secret, ["EDITOR"] = $"/bin/cp -t {folder.FullName}" }); // keeps what the editor gets
            var edit = await command.RunOnTerminalAsync(new StringReader(""), "dead-letters", "edit", letter.Build().Id, "--queue", "orders_error", "--server", site.Address.ToString());
            edit.Errors.ShouldContain("Nothing was changed", customMessage: $"{edit}");
            JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "message.json"))).GetProperty("last").GetBoolean().ShouldBeTrue();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("list")]
    [InlineData("show", "0123456789abcdef", "--queue", "orders_error")]
    [InlineData("replay", "--queue", "orders_error", "--all", "--yes")]
    [InlineData("replay", "--queue", "orders_error", "--all", "--dry-run")]
    [InlineData("discard", "--queue", "orders_error", "--all", "--yes")]
    [InlineData("restore", "--queue", "orders_discarded", "--all", "--yes")]
    [InlineData("export", "--queue", "orders_error")]
    [InlineData("replay", "--all", "--yes")]
    public async Task Broker_that_is_unreachable_has_the_same_exit_code_with_and_without_a_server(params string[] arguments)
    {
        await using var site = await CatalogueSite.StartAsync();
        var local = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = "amqp://nobody:nothing@127.0.0.1:1/shop",
            ["RabbitMqManagement__Url"] = "http://127.0.0.1:1",
            ["DeadLetters__AuditFile"] = site.AuditPath,
        });
        var (with, without) = (await Command((await site.MakeTokenAsync()).Secret).RunAsync(["dead-letters", .. arguments, "--server", site.Address.ToString()]), await local.RunAsync(["dead-letters", .. arguments]));
        (with.Code, without.Code).ShouldBe((3, 3), $"{with}\n{without}");
    }

    private static OperatorCommand Command(string? token) => new(token is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["WORKINIT_TOKEN"] = token });
}
