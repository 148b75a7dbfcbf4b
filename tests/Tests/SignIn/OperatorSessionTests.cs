using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Refit;
using WorkinIt.SignIn;
using WorkinIt.Storage;
using WorkinIt.Testbed;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.SignIn;

/// <summary>When the permissions of a signed-in operator are checked with RabbitMQ again.</summary>
public sealed partial class OperatorSessionTests : IDisposable
{
    private const string ViewPath = "/dead-letters/audit"; // a page that needs no broker
    private const string ActionPath = "/dead-letters/operations/0/run";

    private readonly SignedInHost _host = new();

    [Fact]
    public async Task Viewing_checks_the_operator_with_RabbitMQ_once_a_minute_and_not_on_each_page()
    {
        using var client = await _host.SignInAsync();
        for (var view = 0; view < 5; view++)
            (await StatusAsync(client, HttpMethod.Get, ViewPath)).ShouldBe(HttpStatusCode.OK);
        _host.RabbitMq.Requests.ShouldBe(1); // the sign-in

        _host.RabbitMq.Answer = HttpStatusCode.Unauthorized;
        _host.Clock.Advance(TimeSpan.FromMinutes(1));

        (await StatusAsync(client, HttpMethod.Get, ViewPath)).ShouldBe(HttpStatusCode.Redirect);
        _host.RabbitMq.Answer = HttpStatusCode.OK; // RabbitMQ accepts the user again, but the session stays ended
        (await StatusAsync(client, HttpMethod.Get, ViewPath)).ShouldBe(HttpStatusCode.Redirect);
    }

    [Fact]
    public async Task Each_action_checks_the_permissions_of_the_operator_with_RabbitMQ()
    {
        using var client = await _host.SignInAsync();
        for (var action = 0; action < 3; action++)
            (await StatusAsync(client, HttpMethod.Post, ActionPath)).ShouldBe(HttpStatusCode.BadRequest); // authorized, but without an antiforgery token
        _host.RabbitMq.Requests.ShouldBe(4);

        _host.RabbitMq.Tags = ["management"];
        (await StatusAsync(client, HttpMethod.Post, ActionPath)).ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Actions_are_refused_while_RabbitMQ_is_unavailable_and_the_session_continues_afterwards()
    {
        using var client = await _host.SignInAsync();
        _host.RabbitMq.Answer = HttpStatusCode.BadGateway;

        using (var refused = await client.PostAsync(ActionPath, null))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            (await refused.Content.ReadAsStringAsync()).ShouldContain("Your rights can’t be checked");
        }
        using (var program = await client.PostAsync("/dead-letters/api/v1/letters/search", null))
        {
            program.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            program.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(10));
            program.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        }
        _host.RabbitMq.Answer = HttpStatusCode.OK;
        (await StatusAsync(client, HttpMethod.Get, ViewPath)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Rejection_by_RabbitMQ_also_rechecks_the_other_sessions_of_the_operator()
    {
        using var one = await _host.SignInAsync();
        using var other = await _host.SignInAsync();
        _host.RabbitMq.Answer = HttpStatusCode.Unauthorized;

        (await StatusAsync(one, HttpMethod.Post, ActionPath)).ShouldBe(HttpStatusCode.Redirect);
        (await StatusAsync(other, HttpMethod.Get, ViewPath)).ShouldBe(HttpStatusCode.Redirect);
    }

    [Fact]
    public async Task Operator_session_ends_after_eight_hours()
    {
        using var client = await _host.SignInAsync();
        _host.Clock.Advance(TimeSpan.FromHours(8));
        (await StatusAsync(client, HttpMethod.Get, ViewPath)).ShouldBe(HttpStatusCode.Redirect);
    }

    public void Dispose() => _host.Dispose();

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    private sealed partial class SignedInHost : WebApplicationFactory<SubmissionRequest>
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("workinit-").FullName;

        public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UtcNow);

        public FakeRabbitMq RabbitMq { get; } = new();

        private string Store => $"Data Source={Path.Combine(_folder, "submissions.db")}";

        public async Task<HttpClient> SignInAsync()
        {
            var client = CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, HandleCookies = true });
            var form = await client.GetStringAsync("/dead-letters/sign-in");
            using var fields = new FormUrlEncodedContent(
                [KeyValuePair.Create("__RequestVerificationToken", Token().Match(form).Groups[1].Value), KeyValuePair.Create("username", "jane"), KeyValuePair.Create("password", "secret")]);
            using var answer = await client.PostAsync("/dead-letters/sign-in", fields);
            answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            return client;
        }

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            Database.TryParse(Store, out var database, out _).ShouldBeTrue();
            DatabaseSchema.Migrate(database!, typeof(CreateSubmissions).Assembly);
            OperatorSignIn.MigrateSessions(database!);
            builder.UseSetting("ConnectionStrings:Submissions", Store);
            builder.UseSetting("ConnectionStrings:Deliveries", $"Data Source={Path.Combine(_folder, "deliveries.db")}");
            builder.UseSetting("ConnectionStrings:RabbitMq", "amqp://web:web@127.0.0.1:1");
            builder.UseSetting("ConnectionStrings:DeadLetters", "amqp://replay:replay@127.0.0.1:1");
            builder.UseSetting("RabbitMqManagement:Url", "http://127.0.0.1:1");
            builder.UseSetting("OptOut:Secret", WorkinItSystem.OptOutSecret);
            builder.UseSetting("Serilog:MinimumLevel:Default", "Fatal");
            builder.ConfigureTestServices(services =>
            {
                services.AddSingleton<TimeProvider>(Clock);
                services.AddSingleton(_ => RestService.ForGenerated<IManagementSignIn>(new HttpClient(RabbitMq, disposeHandler: false) { BaseAddress = new Uri("http://rabbitmq") }));
            });
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing && Directory.Exists(_folder))
            {
                RabbitMq.Dispose();
                Directory.Delete(_folder, recursive: true);
            }
        }

        [System.Text.RegularExpressions.GeneratedRegex("""name="__RequestVerificationToken"[^>]*value="([^"]+)""")]
        private static partial System.Text.RegularExpressions.Regex Token();
    }

    private sealed class FakeRabbitMq : HttpMessageHandler
    {
        public HttpStatusCode Answer { get; set; } = HttpStatusCode.OK;

        public string[] Tags { get; set; } = ["administrator"];

        public int Requests { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri!.AbsolutePath.ShouldBe("/api/whoami");
            Requests++;
            return Task.FromResult(new HttpResponseMessage(Answer) { RequestMessage = request, Content = JsonContent.Create(new { name = "jane", tags = Tags }) });
        }
    }
}
