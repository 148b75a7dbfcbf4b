using System.Diagnostics;
using OpenTelemetry.Metrics;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Telling;

[Trait("broker", "any")] // tests traces and metrics of the services
public sealed partial class TelemetryTests(SharedObservedSystem shared) : IClassFixture<SharedObservedSystem>
{
    private ObservedSystem Observed => shared.System;

    [Fact]
    public void One_trace_covers_a_submission_from_the_POST_to_its_status()
    {
        var post = PostOf(Observed.Sent);

        var relay = Child(post, "relay submission");
        var publish = Child(relay, "WorkinIt.Contracts:SendGifEmail send", ActivityKind.Producer);
        var receive = Child(publish, "send-gif-email receive", ActivityKind.Consumer);
        var consume = Child(receive, "send-gif-email process", ActivityKind.Consumer);
        var giphy = Child(consume, "GET", ActivityKind.Client);
        giphy.Source.Name.ShouldBe("System.Net.Http");
        Child(consume, "smtp send", ActivityKind.Client).GetTagItem("server.address").ShouldBe("127.0.0.1");
        var sent = Child(consume, "WorkinIt.Contracts:GifEmailSent send", ActivityKind.Producer);
        var status = Child(sent, "submission-status receive", ActivityKind.Consumer);

        foreach (var span in new[] { post, relay, receive, status })
            span.GetTagItem("workinit.submission.id").ShouldBe(Observed.Sent.ToString());
        Observed.Spans.Where(span => span.TraceId == post.TraceId).ShouldAllBe(span => span.Status != ActivityStatusCode.Error);
    }

    [Fact]
    public void Attempt_after_a_replay_is_a_separate_trace_linked_to_the_first()
    {
        var post = PostOf(Observed.Replayed);
        var publish = Child(Child(post, "relay submission"), "WorkinIt.Contracts:SendGifEmail send");
        var first = Child(publish, "send-gif-email receive");
        Child(Child(first, "send-gif-email process"), "smtp send", ActivityKind.Client).GetTagItem("error.type").ShouldBe("MailRefusedException");
        Observed.Spans.ShouldContain(span => span.TraceId == post.TraceId && span.DisplayName == "submission-status receive", "the failure reached the status");

        var second = Observed.Spans.Where(span => span.DisplayName == "send-gif-email receive" && span.Links.Any()).ShouldHaveSingleItem();
        var link = second.Links.ShouldHaveSingleItem().Context;
        (link.TraceId, link.SpanId).ShouldBe((publish.TraceId, publish.SpanId));
        second.TraceId.ShouldNotBe(post.TraceId);
        second.ParentSpanId.ShouldBe(default);
        second.GetTagItem("workinit.submission.id").ShouldBe(Observed.Replayed.ToString());
        var consume = Child(second, "send-gif-email process");
        Child(consume, "smtp send", ActivityKind.Client).Status.ShouldNotBe(ActivityStatusCode.Error);
        Child(Child(consume, "WorkinIt.Contracts:GifEmailSent send"), "submission-status receive");
    }

    [Fact]
    public void Metrics_count_accepted_sent_retried_delayed_dead_lettered_and_held_mails()
    {
        Sum(Observed.WebMetrics, "workinit.submission.accepted").ShouldBe(4);
        Sum(Observed.ConsumersMetrics, "workinit.gif_email.sent").ShouldBe(3);
        Sum(Observed.ConsumersMetrics, "workinit.gif_email.retried").ShouldBe(1);
        Sum(Observed.ConsumersMetrics, "workinit.gif_email.delayed").ShouldBe(1);
        Sum(Observed.ConsumersMetrics, "workinit.gif_email.dead_lettered", ("error.type", "MailRefusedException")).ShouldBe(1);
        Sum(Observed.ConsumersMetrics, "workinit.gif_email.held").ShouldBe(1);
        Count(Observed.ConsumersMetrics, "workinit.gif_email.queue.duration").ShouldBe(4);
        Count(Observed.ConsumersMetrics, "workinit.smtp.send.duration").ShouldBe(7);
        Count(Observed.ConsumersMetrics, "http.client.request.duration").ShouldBeGreaterThanOrEqualTo(7);
        Sum(Observed.ConsumersMetrics, "workinit.smtp.connection.count", ("workinit.smtp.connection.state", "used")).ShouldBe(0);
        Sum(Observed.ConsumersMetrics, "workinit.smtp.connection.count", ("workinit.smtp.connection.state", "idle")).ShouldBeGreaterThan(0);
        Points(Observed.ConsumersMetrics, "workinit.ready").ShouldAllBe(point => point.GetGaugeLastValueLong() == 1);
        Observed.ConsumersMetrics.ShouldContain(metric => metric.MeterName == "MassTransit");
        Observed.ConsumersMetrics.ShouldContain(metric => metric.MeterName == "System.Runtime");
    }

    [Fact]
    public void Telemetry_is_exported_by_OTLP_without_address_thought_or_key()
    {
        foreach (var service in new[] { "WorkinIt.Web", "WorkinIt.Consumers" })
        {
            Observed.Exported["traces"].ShouldContain(service);
            Observed.Exported["metrics"].ShouldContain(service);
        }
        Observed.Exported["traces"].ShouldContain(Observed.Sent.ToString());
        Observed.Exported["metrics"].ShouldContain("workinit.gif_email.sent");
        foreach (var secret in new[] { ObservedSystem.Name, "penguin", "a-key" })
        {
            foreach (var exported in Observed.Exported.Values)
                exported.ShouldNotContain(secret, Case.Insensitive);
        }
    }

    private Activity PostOf(Guid submission) => Observed.Spans
        .Where(span => span.Kind == ActivityKind.Server && span.DisplayName == "POST /api/submissions" && Equals(span.GetTagItem("workinit.submission.id"), submission.ToString()))
        .ShouldHaveSingleItem();

    private Activity Child(Activity parent, string name, ActivityKind kind = default) => Observed.Spans
        .Where(span => span.TraceId == parent.TraceId && span.ParentSpanId == parent.SpanId && span.DisplayName == name && (kind == default || span.Kind == kind))
        .ShouldHaveSingleItem($"{name} below {parent.DisplayName}, of:\n{string.Join('\n', Observed.Spans.Where(span => span.TraceId == parent.TraceId).Select(span => $"{span.ParentSpanId} {span.SpanId} {span.Kind} {span.DisplayName}"))}");

    private static long Sum(IReadOnlyList<MetricSnapshot> metrics, string name, params (string Name, string Value)[] tags) =>
        Points(metrics, name, tags).Sum(point => point.GetSumLong());

    private static long Count(IReadOnlyList<MetricSnapshot> metrics, string name) =>
        Points(metrics, name).Sum(point => point.GetHistogramCount());

    private static MetricPoint[] Points(IReadOnlyList<MetricSnapshot> metrics, string name, params (string Name, string Value)[] tags) =>
        [.. metrics.Where(metric => metric.Name == name).SelectMany(metric => metric.MetricPoints).Where(point => tags.All(tag => Has(point, tag)))];

    private static bool Has(MetricPoint point, (string Name, string Value) wanted)
    {
        foreach (var tag in point.Tags)
        {
            if (tag.Key == wanted.Name && Equals(tag.Value, wanted.Value))
                return true;
        }
        return false;
    }
}
