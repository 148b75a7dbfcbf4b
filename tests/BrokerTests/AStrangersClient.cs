using System.Net;
using System.Text.Json;
using Refit;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The API in the hands of somebody who has read its OpenAPI document and nothing else.</summary>
[Collection(nameof(RunningSystem))]
[Trait("broker", "any")] // the HTTP API; the broker does what it does in TheMainPath
public sealed class AStrangersClient(RunningSystem running) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = running.Web.Address };

    private IWorkinItApi Api => RestService.ForGenerated<IWorkinItApi>(_http);

    [Fact]
    public async Task Submits_once_however_often_it_sends_and_polls_until_the_mail_is_sent()
    {
        var key = Guid.NewGuid();
        using var first = await Api.SubmitAsync(new Thought("stranger@example.com", "Friday, at last"), key);
        first.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        first.Content!.Id.ShouldBe(key);
        first.Headers!.Location!.ToString().ShouldBe($"/api/submissions/{key}");

        var sent = await Eventually.SeeAsync(() => Api.FindAsync(key), status => status.State == "sent", "the API says sent");
        sent.SentAt!.Value.ShouldBeGreaterThanOrEqualTo(sent.AcceptedAt);
        sent.Attempts.ShouldBe(1);

        using var again = await Api.SubmitAsync(new Thought("stranger@example.com", "Friday, at last"), key);
        again.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        again.Content.ShouldBe(sent);
        running.System.Mail.Mails.Count(mail => mail.Recipient == "stranger@example.com").ShouldBe(1);
    }

    [Fact]
    public async Task Without_a_key_gets_one_and_finds_its_submission_there()
    {
        using var answer = await Api.SubmitAsync(new Thought("nokey@example.com", "no key"), key: null);
        (await Api.FindAsync(answer.Content!.Id)).AcceptedAt.ShouldBe(answer.Content.AcceptedAt);
    }

    [Fact]
    public async Task Learns_that_a_key_is_taken_from_a_409()
    {
        var key = Guid.NewGuid();
        using var first = await Api.SubmitAsync(new Thought("one@example.com", "one"), key);
        using var other = await Api.SubmitAsync(new Thought("one@example.com", "another"), key);
        other.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await ProblemAsync(other)).Detail!.ShouldContain("Use a new one");
    }

    [Fact]
    public async Task Learns_which_fields_to_mend_from_a_400()
    {
        using var answer = await Api.SubmitAsync(new Thought("nobody", ""), key: null);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ProblemAsync(answer)).Errors.Keys.ShouldBe(["email", "thought"], ignoreOrder: true);
    }

    [Fact]
    public async Task Learns_that_there_is_nothing_from_a_404()
    {
        var nothing = await Should.ThrowAsync<ApiException>(() => Api.FindAsync(Guid.NewGuid()));
        nothing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        nothing.ContentHeaders!.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Fact]
    public async Task Reads_the_document_and_finds_there_what_it_uses()
    {
        var paths = (await Api.DocumentAsync()).GetProperty("paths");
        paths.GetProperty("/api/submissions").GetProperty("post").GetProperty("operationId").GetString().ShouldBe("submit");
        paths.GetProperty("/api/submissions/{id}").GetProperty("get").GetProperty("operationId").GetString().ShouldBe("findSubmission");
    }

    public void Dispose() => _http.Dispose();

    private static async Task<ProblemDetails> ProblemAsync(ApiResponse<SubmissionStatus> answer)
    {
        answer.ContentHeaders!.ContentType!.MediaType.ShouldBe("application/problem+json");
        return (await ((ApiException)answer.Error!).GetContentAsAsync<ProblemDetails>())!;
    }
}

/// <summary>The API, as its document has it.</summary>
internal interface IWorkinItApi
{
    [Post("/api/submissions")]
    Task<ApiResponse<SubmissionStatus>> SubmitAsync([Body] Thought thought, [Header("Idempotency-Key")] Guid? key);

    [Get("/api/submissions/{id}")]
    Task<SubmissionStatus> FindAsync(Guid id);

    [Get("/openapi/v1.json")]
    Task<JsonElement> DocumentAsync();
}

/// <summary>What is submitted.</summary>
/// <param name="Email">The address.</param>
/// <param name="Text">The thought.</param>
internal sealed record Thought(string Email, [property: System.Text.Json.Serialization.JsonPropertyName("thought")] string Text);
