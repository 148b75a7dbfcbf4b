using System.Globalization;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Writes messages about causes.</summary>
internal static class NotificationText
{
    private const int MostQueues = 10;
    private const int MostVersions = 10;
    private const int MostCauses = 20;

    /// <summary>A message about a cause.</summary>
    /// <param name="kind">Why it is sent.</param>
    /// <param name="cause">The cause, as it was seen last.</param>
    /// <param name="since">When its first letter failed.</param>
    /// <param name="recent">Its failures in the last 5 minutes.</param>
    /// <param name="at">The time.</param>
    public static Notification Of(NotificationKind kind, BoardCause cause, DateTimeOffset since, long recent, DateTimeOffset at) => new()
    {
        Id = NewId(at),
        Kind = kind,
        At = at,
        Title = Title(kind, Name(cause.Cause)),
        Cause = Of(cause.Cause),
        Count = cause.Count,
        Recent = recent,
        Queues = [.. cause.Queues.Take(MostQueues).Select(queue => new NotifiedQueue(queue.Source, queue.Queue, queue.Count))],
        Since = since,
        Versions = cause.Versions is { Count: > 0 } versions ? [.. versions.Take(MostVersions)] : null,
    };

    /// <summary>The message that a cause is over: as it was announced, without letters.</summary>
    public static Notification Over(Notification announced, DateTimeOffset at) => announced with
    {
        Id = NewId(at),
        Kind = NotificationKind.Over,
        At = at,
        Title = Title(NotificationKind.Over, Name(announced.Cause!.Exception)),
        Count = 0,
        Recent = null,
        Queues = [],
    };

    /// <summary>The message about the causes that were there when notifications were switched on.</summary>
    public static Notification Summary(Board board, DateTimeOffset at) => new()
    {
        Id = NewId(at),
        Kind = NotificationKind.Summary,
        At = at,
        Title = $"Notifications are on. {Number(board.Letters)} {(board.Letters == 1 ? "dead letter is" : "dead letters are")} there already, with {Number(board.Causes.Count)} {(board.Causes.Count == 1 ? "cause" : "causes")}",
        Count = board.Letters,
        Causes = [.. board.Causes.Take(MostCauses).Select(cause => Of(cause.Cause) with { Count = cause.Count })],
    };

    /// <summary>A message that tests a receiver.</summary>
    public static Notification Test(DateTimeOffset at) => new()
    {
        Id = NewId(at),
        Kind = NotificationKind.Test,
        At = at,
        Title = "Test message: this receiver gets messages about dead letters",
    };

    /// <summary>A number with thousands separators.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static NotifiedCause Of(Cause cause) => new(cause.Id, cause.ExceptionType, Masking.Text(cause.Text), cause.Frame);

    private static string Title(NotificationKind kind, string name) => kind switch
    {
        NotificationKind.New => $"New cause of dead letters: {name}",
        NotificationKind.Back => $"Back: {name}",
        NotificationKind.Burst => $"Many failures: {name}",
        _ => $"Over: {name}",
    };

    private static string Name(Cause cause) => Name(cause.ExceptionType);

    private static string Name(string? exception) => exception is null ? "no exception recorded" : exception[(exception.LastIndexOf('.') + 1)..];

    private static string NewId(DateTimeOffset at) => Guid.CreateVersion7(at).ToString("N");
}
