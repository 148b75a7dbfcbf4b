using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Writes a notification in the form that a receiver reads.</summary>
internal static class MessageFormats
{
    private const int LongestSlackText = 2900; // Slack refuses a section with more than 3,000 characters

    private static readonly JsonSerializerOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The body of a message, in UTF-8.</summary>
    /// <param name="notification">The message.</param>
    /// <param name="format">The form.</param>
    /// <param name="namesSources">Whether a text for people names the source of each queue, because the application has several. The JSON always does.</param>
    public static byte[] Write(Notification notification, NotificationFormat format, bool namesSources = false) => format switch
    {
        NotificationFormat.Slack => JsonSerializer.SerializeToUtf8Bytes(Slack(notification, namesSources), _json),
        NotificationFormat.Teams => JsonSerializer.SerializeToUtf8Bytes(Teams(notification, namesSources), _json),
        _ => System.Text.Encoding.UTF8.GetBytes(notification.ToJson()),
    };

    /// <summary>The text of a mail.</summary>
    /// <param name="notification">The message.</param>
    /// <param name="namesSources">As in <see cref="Write"/>.</param>
    public static string Text(Notification notification, bool namesSources = false)
    {
        var lines = Facts(notification, namesSources).Select(fact => $"{fact.Label}: {fact.Value}").Prepend("").Prepend(notification.Title);
        return string.Join('\n', notification.Link is { } link ? lines.Append("").Append(link) : lines) + "\n";
    }

    private static JsonObject Slack(Notification notification, bool namesSources)
    {
        var lines = new[] { $"*{Escaped(notification.Title)}*" }.Concat(Facts(notification, namesSources).Select(fact => $"{Escaped(fact.Label)}: {Escaped(fact.Value)}")).ToList();
        var text = string.Join('\n', lines);
        var section = new JsonObject
        {
            ["type"] = "section",
            ["text"] = new JsonObject { ["type"] = "mrkdwn", ["text"] = text.Length > LongestSlackText ? text[..LongestSlackText] + "…" : text },
        };
        var blocks = new JsonArray(section);
        if (notification.Link is { } link)
            blocks.Add(new JsonObject { ["type"] = "section", ["text"] = new JsonObject { ["type"] = "mrkdwn", ["text"] = $"<{link}|Open in the dead-letter pages>" } });
        return new JsonObject { ["text"] = Escaped(notification.Title), ["blocks"] = blocks };
    }

    // Runs of text, because a text block would show an exception's name as Markdown, with links.
    private static JsonObject Teams(Notification notification, bool namesSources)
    {
        var body = new JsonArray(Line(Run(notification.Title, isBold: true)));
        foreach (var (label, value) in Facts(notification, namesSources))
            body.Add((JsonNode)Line(Run(label + ": ", isBold: true), Run(value, isBold: false)));
        var card = new JsonObject
        {
            ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
            ["type"] = "AdaptiveCard",
            ["version"] = "1.4",
            ["body"] = body,
        };
        if (notification.Link is { } link)
            card["actions"] = new JsonArray(new JsonObject { ["type"] = "Action.OpenUrl", ["title"] = "Open in the dead-letter pages", ["url"] = link });
        return new JsonObject
        {
            ["type"] = "message",
            ["attachments"] = new JsonArray(new JsonObject { ["contentType"] = "application/vnd.microsoft.card.adaptive", ["contentUrl"] = null, ["content"] = card }),
        };

        static JsonObject Line(params JsonNode[] runs) => new() { ["type"] = "RichTextBlock", ["inlines"] = new JsonArray(runs) };

        static JsonObject Run(string text, bool isBold) => new() { ["type"] = "TextRun", ["text"] = text, ["weight"] = isBold ? "Bolder" : "Default" };
    }

    private static IEnumerable<(string Label, string Value)> Facts(Notification notification, bool namesSources)
    {
        if (notification.Cause is { } cause)
        {
            yield return ("Exception", cause.Exception ?? "none recorded");
            yield return ("Reason", cause.Reason);
            if (cause.Frame is { } frame)
                yield return ("In", frame);
            yield return ("Dead letters", NotificationText.Number(notification.Count ?? 0));
        }
        if (notification.Recent is { } recent)
            yield return ("Failures in the last 5 minutes", NotificationText.Number(recent));
        if (notification.Queues is { Count: > 0 } queues)
            yield return ("Queues", string.Join(", ", queues.Select(queue => $"{queue.Queue}{(namesSources ? $" in {queue.Source}" : "")} ({NotificationText.Number(queue.Count)})")));
        if (notification.Since is { } since)
            yield return ("Since", string.Create(CultureInfo.InvariantCulture, $"{since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"));
        if (notification.Versions is { } versions)
            yield return ("Versions", string.Join(", ", versions));
        foreach (var known in notification.Causes ?? [])
            yield return (NotificationText.Number(known.Count ?? 0), $"{known.Exception ?? "no exception recorded"}: {known.Reason}");
    }

    // The three characters that Slack reads: without this, a reason could mention a channel.
    private static string Escaped(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
