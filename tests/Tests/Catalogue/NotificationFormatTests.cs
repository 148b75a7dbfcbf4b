using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NJsonSchema;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The form of messages: our own JSON by its schema and signature, Slack's and Teams'.</summary>
public sealed class NotificationFormatTests : IDisposable
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private readonly NotificationDatabase _database = new();

    public void Dispose() => _database.Dispose();

    [Theory]
    [InlineData("new")]
    [InlineData("back")]
    [InlineData("burst")]
    [InlineData("over")]
    [InlineData("summary")]
    [InlineData("test")]
    public async Task Json_of_each_kind_is_valid_by_the_documented_schema(string kind)
    {
        var schema = await JsonSchema.FromFileAsync(Path.Combine(Repository.Root, "docs", "notification.schema.json"));
        foreach (var cause in new[] { Strange(), _database.Cause("1a2b3c4d", 3) with { Cause = new Cause("1a2b3c4d", null, "", null) } })
        {
            foreach (var link in new[] { null, "https://ops.example.com/dead-letters" })
            {
                var json = (Of(kind, cause) with { Link = link }).ToJson();
                schema.Validate(json).ShouldBeEmpty(json);
                ((string?)JsonNode.Parse(json)!["kind"]).ShouldBe(kind);
            }
        }
    }

    [Fact]
    public async Task Schema_describes_each_field_that_is_sent_and_allows_no_other()
    {
        var schema = await JsonSchema.FromFileAsync(Path.Combine(Repository.Root, "docs", "notification.schema.json"));
        var json = JsonNode.Parse(Of("new", Strange()).ToJson())!;
        json["extra"] = 1;
        schema.Validate(json.ToJsonString()).ShouldNotBeEmpty();
    }

    [Fact]
    public void Message_has_the_figures_of_its_cause_and_the_one_that_ends_it_has_none()
    {
        var announced = NotificationText.Of(NotificationKind.Back, Strange(), _noon.AddHours(-1), 7, _noon);
        announced.ShouldSatisfyAllConditions(
            it => (it.Count, it.Recent, it.Since, it.At).ShouldBe((1333, 7, _noon.AddHours(-1), _noon)),
            it => it.Title.ShouldBe("Back: <!channel>"),
            it => it.Queues!.Select(queue => queue.Queue[250..]).ShouldBe(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
            it => it.Versions.ShouldBe(["2.4.1.0", "<b>"]),
            it => it.Cause!.Frame.ShouldBe("Orders.Ship.<Send>d__1.MoveNext"));

        NotificationText.Over(announced, _noon.AddHours(1)).ShouldSatisfyAllConditions(
            it => (it.Kind, it.Count, it.Recent, it.At, it.Since).ShouldBe((NotificationKind.Over, 0, null, _noon.AddHours(1), _noon.AddHours(-1))),
            it => it.Title.ShouldBe("Over: <!channel>"), it => it.Queues.ShouldBeEmpty(), it => it.Cause.ShouldBe(announced.Cause), it => it.Id.ShouldNotBe(announced.Id));

        var summary = Of("summary", Strange());
        (summary.Count, summary.Causes!.Count).ShouldBe((5, 20));
        summary.Causes.ShouldAllBe(cause => cause.Count == 1333);
    }

    [Fact]
    public async Task Example_in_the_documentation_is_valid_by_the_schema()
    {
        var document = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "notifications.md"));
        var example = document.Split("```json\n")[1].Split("```")[0];
        (await JsonSchema.FromFileAsync(Path.Combine(Repository.Root, "docs", "notification.schema.json"))).Validate(example).ShouldBeEmpty();
    }

    [Fact]
    public async Task Json_message_is_signed_with_its_id_and_time_and_others_are_not()
    {
        const string Secret = "a secret with 24 characters or more";
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new WebhookClient(_database.Time);
        var message = Of("new", Strange());
        await client.PostAsync(receiver.Receiver with { Secret = Secret }, message);
        await client.PostAsync(receiver.Receiver, message);
        await client.PostAsync(receiver.Receiver with { Format = NotificationFormat.Slack }, message);

        var signed = receiver.Calls[0];
        signed.Headers["content-type"].ShouldBe("application/json; charset=utf-8");
        signed.Headers["webhook-id"].ShouldBe(message.Id);
        signed.Headers["webhook-timestamp"].ShouldBe("1767355200");
        byte[] content = [.. Encoding.UTF8.GetBytes($"{message.Id}.1767355200."), .. signed.Body];
        signed.Headers["webhook-signature"].ShouldBe("v1," + Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), content)));
        receiver.Calls[1].Headers.ShouldNotContainKey("webhook-signature");
        receiver.Calls[2].Headers.ShouldNotContainKey("webhook-id");
    }

    /// <summary>The test vector of the specification, https://github.com/standard-webhooks/standard-webhooks.</summary>
    [Fact]
    public void Signature_is_the_one_of_Standard_Webhooks() => WebhookSignature.Sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", """{"test": 2432232314}"""u8)
        .ShouldBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

    [Fact]
    public void Slack_message_can_mention_no_channel_and_has_no_section_that_Slack_refuses()
    {
        var json = JsonNode.Parse(MessageFormats.Write(Of("new", Strange()) with { Link = "https://ops.example.com/dead-letters/causes/1a2b3c4d" }, NotificationFormat.Slack))!;
        var sections = json["blocks"]!.AsArray().Select(block => (string)block!["text"]!["text"]!).ToList();
        sections.Count.ShouldBe(2);
        sections[0].ShouldContain("&lt;!channel&gt;");
        sections[0].ShouldNotContain("<");
        sections.ShouldAllBe(section => section.Length < 3000);
        sections[1].ShouldBe("<https://ops.example.com/dead-letters/causes/1a2b3c4d|Open in the dead-letter pages>");
        ((string?)json["text"]).ShouldBe("New cause of dead letters: &lt;!channel&gt;");
    }

    [Fact]
    public void Teams_message_is_an_adaptive_card_without_Markdown()
    {
        var json = JsonNode.Parse(MessageFormats.Write(Of("new", Strange()) with { Link = "https://ops.example.com/dead-letters/causes/1a2b3c4d" }, NotificationFormat.Teams))!;
        ((string?)json["type"]).ShouldBe("message");
        var attachment = json["attachments"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)attachment["contentType"]).ShouldBe("application/vnd.microsoft.card.adaptive");
        var card = attachment["content"]!;
        ((string?)card["type"]).ShouldBe("AdaptiveCard");
        var lines = card["body"]!.AsArray();
        lines.ShouldAllBe(line => (string?)line!["type"] == "RichTextBlock");
        string.Concat(lines.SelectMany(line => line!["inlines"]!.AsArray()).Select(run => (string?)run!["text"])).ShouldContain("[click](https://evil.example)");
        ((string?)card["actions"]![0]!["url"]).ShouldBe("https://ops.example.com/dead-letters/causes/1a2b3c4d");
    }

    private BoardCause Strange() => _database.Cause("1a2b3c4d", 1333, 7, versions: ["2.4.1.0", "<b>"]) with
    {
        Cause = new Cause("1a2b3c4d", "Orders.<!channel>", "[click](https://evil.example) <script> \"quoted\" \u0007" + new string('r', 300), "Orders.Ship.<Send>d__1.MoveNext"),
        Queues = [.. Enumerable.Range(0, 30).Select(number => new QueueCount("/", new string('q', 250) + number, 1))],
    };

    private static Notification Of(string kind, BoardCause cause)
    {
        var announced = NotificationText.Of(NotificationKind.New, cause, _noon, 7, _noon);
        return kind switch
        {
            "over" => NotificationText.Over(announced, _noon),
            "test" => NotificationText.Test(_noon),
            "summary" => NotificationText.Summary(
                new Board { Letters = 5, Causes = [.. Enumerable.Repeat(cause, 30)], Queues = [], Histogram = [], From = _noon, Step = TimeSpan.FromMinutes(1) }, _noon),
            _ => NotificationText.Of(Enum.Parse<NotificationKind>(kind, ignoreCase: true), cause, _noon, 7, _noon),
        };
    }
}
