using System.Net;
using System.Text.Json;
using Refit;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The HTTP API as a client uses it that knows only its OpenAPI document.</summary>
[Collection(nameof(RunningSystem))]
[Trait("broker", "any")] // tests the HTTP API; EndToEndTests covers the broker on each version
public sealed class ApiClientTests(RunningSystem running) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = running.Web.Address };

    private IWorkinItApi Api => RestService.ForGenerated<IWorkinItApi>(_http);

    [Fact]
    public async Task Client_submits_once_however_often_it_sends_and_polls_until_the_mail_is_sent()
    {
        var key = Guid.NewGuid();
        using var first = await Api.SubmitAsync(new Thought("stranger@example.com", "Friday, at last"), key);
        first.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        first.Content!.Id.ShouldBe(key);
        first.Headers!.Location!.ToString().ShouldBe($"/api/submissions/{key}");

        var sent = await Eventually.SeeAsync(() => Api.FindAsync(key), status => status.State == "sent", "the API reports state sent");
        sent.SentAt!.Value.ShouldBeGreaterThanOrEqualTo(sent.AcceptedAt);
        sent.Attempts.ShouldBe(1);

        using var again = await Api.SubmitAsync(new Thought("stranger@example.com", "Friday, at last"), key);
        again.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        again.Content.ShouldBe(sent);
        running.System.Mail.Mails.Count(mail => mail.Recipient == "stranger@example.com").ShouldBe(1);
    }

    [Fact]
    public async Task Client_without_an_idempotency_key_gets_an_id_and_finds_its_submission()
    {
        using var answer = await Api.SubmitAsync(new Thought("nokey@example.com", "no key"), key: null);
        (await Api.FindAsync(answer.Content!.Id)).AcceptedAt.ShouldBe(answer.Content.AcceptedAt);
    }

    [Fact]
    public async Task Client_gets_409_for_an_idempotency_key_used_with_another_body()
    {
        var key = Guid.NewGuid();
        using var first = await Api.SubmitAsync(new Thought("one@example.com", "one"), key);
        using var other = await Api.SubmitAsync(new Thought("one@example.com", "another"), key);
        other.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await ProblemAsync(other)).Detail!.ShouldContain("Use a new one");
    }

    [Fact]
    public async Task Client_gets_400_with_the_fields_to_correct()
    {
        using var answer = await Api.SubmitAsync(new Thought("nobody", ""), key: null);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await ProblemAsync(answer)).Errors.Keys.ShouldBe(["email", "thought"], ignoreOrder: true);
    }

    [Fact]
    public async Task Client_gets_404_for_an_unknown_submission()
    {
        var error = await Should.ThrowAsync<ApiException>(() => Api.FindAsync(Guid.NewGuid()));
        error.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        error.ContentHeaders!.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    [Fact]
    public async Task OpenAPI_document_contains_the_operations_that_the_client_uses()
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

/// <summary>The API as the OpenAPI document describes it.</summary>
internal interface IWorkinItApi
{
    [Post("/api/submissions")]
    Task<ApiResponse<SubmissionStatus>> SubmitAsync([Body] Thought thought, [Header("Idempotency-Key")] Guid? key);

    [Get("/api/submissions/{id}")]
    Task<SubmissionStatus> FindAsync(Guid id);

    [Get("/openapi/v1.json")]
    Task<JsonElement> DocumentAsync();
}

/// <summary>The request body of a submission.</summary>
/// <param name="Email">The recipient.</param>
/// <param name="Text">The thought.</param>
internal sealed record Thought(string Email, [property: System.Text.Json.Serialization.JsonPropertyName("thought")] string Text);
