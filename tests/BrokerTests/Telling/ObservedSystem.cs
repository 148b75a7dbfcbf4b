using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OpenTelemetry.Metrics;
using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;
using WorkinIt.Web.Submissions;

namespace WorkinIt.BrokerTests.Telling;

/// <summary>
/// The telemetry of four submissions: one is sent, one is refused and sent after a replay, one is delayed and then sent, one is held. Web and
/// Consumers run in this process. They use the broker, Giphy and the mail server over the network, as in the other tests.
/// </summary>
public sealed class ObservedSystem
{
    public const string Name = "jane.q";
    public const string Thought = "penguins on parade";

    /// <summary>All spans of both services.</summary>
    public IReadOnlyList<Activity> Spans { get; private set; } = [];

    /// <summary>The metrics of Web.</summary>
    public IReadOnlyList<MetricSnapshot> WebMetrics { get; private set; } = [];

    /// <summary>The metrics of Consumers.</summary>
    public IReadOnlyList<MetricSnapshot> ConsumersMetrics { get; private set; } = [];

    /// <summary>The text received by the OTLP endpoint, by signal.</summary>
    public IReadOnlyDictionary<string, string> Exported { get; private set; } = new Dictionary<string, string>();

    public Guid Sent { get; private set; }

    public Guid Replayed { get; private set; }

    /// <summary>Runs both services, and ends them when the four submissions have their states.</summary>
    public async Task ObserveAsync()
    {
        await using var giphy = await FakeGiphy.StartAsync();
        await using var collector = await OtlpReceiver.StartAsync();
        await using var system = await WorkinItSystem.CreateAsync();
        foreach (var (name, value) in giphy.GetSettings().Append(("Giphy__Timeout", "00:00:30")).Append(("Retry__Limit", "1")).Append(("Redelivery__Delays__0", "00:00:01")))
            system.Settings[name] = value;
        await system.PrepareAsync();

        await using var web = new HostedService<SubmissionRequest>(Settings(system, "web", collector));
        await using var consumers = new HostedService<SmtpOptions>(Settings(system, "consumers", collector));
        using var http = web.CreateClient();
        using var consumersHttp = consumers.CreateClient();
        foreach (var service in new[] { http, consumersHttp }) // until then, the relay's sweep publishes submissions, without the span of their POST
            await SeeReadyAsync(service);

        var (refuses, busy) = (true, 2);
        system.Mail.OnMail = mail => mail.Recipient?.Split('+', '@')[1] switch
        {
            null => null,
            "refused" when refuses => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 user unknown"),
            // A broken connection is retried in place; a 451 reply sends the message to a delay queue.
            "delayed" when Interlocked.Decrement(ref busy) is >= 0 and var left => left == 1 ? SmtpBehaviour.CutBeforeData : SmtpBehaviour.Reply(SmtpStage.Rcpt, 451, "4.7.1 come back later"),
            "held" => SmtpBehaviour.CutAfterDot,
            _ => SmtpBehaviour.Accept,
        };
        Sent = await SubmitAsync(http, "sent");
        Replayed = await SubmitAsync(http, "refused");
        var delayed = await SubmitAsync(http, "delayed");
        var held = await SubmitAsync(http, "held");
        foreach (var (id, state) in new[] { (Sent, "sent"), (Replayed, "failed"), (delayed, "sent"), (held, "held") })
            await SeeAsync(http, id, state);

        refuses = false;
        await system.SeeReadyAsync("send-gif-email_error", 2); // the status shows the failure first
        var replay = await OperatorCommand.Of(system).RunProcessAsync("dead-letters", "replay", "--queue", "send-gif-email_error", "--where", $"id={Replayed}", "--yes");
        replay.Code.ShouldBe(0, replay.ToString());
        await SeeAsync(http, Replayed, "sent");

        ConsumersMetrics = await Eventually.SeeAsync(
            () => Task.FromResult(consumers.CollectMetrics()), AllReady, "both services report ready (each provider collects the metrics of the process)", TimeSpan.FromMinutes(2));
        WebMetrics = web.CollectMetrics();
        await consumers.DisposeAsync();
        await web.DisposeAsync();
        // Each exporter receives all spans of the process, including the other service's.
        Spans = [.. web.Spans.Concat(consumers.Spans).DistinctBy(span => span.SpanId)];
        Exported = new[] { "traces", "metrics" }.ToDictionary(signal => signal, collector.Received);
    }

    private static Dictionary<string, string> Settings(WorkinItSystem system, string user, OtlpReceiver collector) =>
        new(system.SettingsOf(user).Concat(collector.Settings)) { ["Serilog__MinimumLevel__Default"] = "Fatal" };

    private static async Task<Guid> SubmitAsync(HttpClient http, string tag)
    {
        using var response = await http.PostAsJsonAsync("/api/submissions", new { email = $"{Name}+{tag}@example.com", thought = Thought });
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }

    private static async Task SeeReadyAsync(HttpClient service) => await Eventually.SeeAsync(
        async () =>
        {
            using var health = await service.GetAsync("/health/ready");
            return health.StatusCode;
        },
        status => status == HttpStatusCode.OK, "the service is ready");

    private static bool AllReady(IReadOnlyList<MetricSnapshot> metrics)
    {
        var points = metrics.Where(metric => metric.Name == "workinit.ready").SelectMany(metric => metric.MetricPoints).ToList();
        return points.Count > 0 && points.TrueForAll(point => point.GetGaugeLastValueLong() == 1);
    }

    private static async Task SeeAsync(HttpClient http, Guid id, string state) => await Eventually.SeeAsync(
        async () => (await http.GetFromJsonAsync<SubmissionStatus>($"/api/submissions/{id}"))!, status => status.State == state, $"{id} is {state}");
}
