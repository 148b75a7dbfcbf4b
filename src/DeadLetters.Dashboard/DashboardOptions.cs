namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>Options of the pages. Both policies are required: without them, nothing is mapped.</summary>
public sealed class DashboardOptions
{
    /// <summary>
    /// A key of <c>HttpContext.Items</c>. If your sign-in refuses a user only because what it asks about users does not answer, set it to any value: the
    /// HTTP API then answers 503 instead of 401.
    /// </summary>
    public const string UserNotChecked = "WorkinIt.DeadLetters.UserNotChecked";

    /// <summary>The name of the authorization policy for viewing. Every endpoint requires it.</summary>
    public string ViewPolicy { get; set; } = "";

    /// <summary>The name of the authorization policy for replay, edit, discard and restore. Required in addition to <see cref="ViewPolicy"/>.</summary>
    public string OperatePolicy { get; set; } = "";

    /// <summary>The address of RabbitMQ's management UI for the operator's browser. Null: the pages don't link to it.</summary>
    public Uri? ManagementUi { get; set; }

    /// <summary>The path within the application where a POST signs the user out. Null: no sign-out button.</summary>
    public string? SignOutPath { get; set; }

    /// <summary>
    /// Makes a link of a dead letter, such as to the page of its order or to its trace; for instance from its MessageId or its <c>traceparent</c> header.
    /// Null, or a result of null: no link. Only relative addresses and http(s) addresses are shown.
    /// </summary>
    public Func<DeadLetter, Uri?>? LinkTo { get; set; }

    /// <summary>The title at the top of each page.</summary>
    public string Title { get; set; } = "Dead letters";

    /// <summary>How many dead letters of a queue are examined, unless the user asks for all. At least 1.</summary>
    public int LookAtFirst { get; set; } = 10_000;

    /// <summary>How many dead letters a page lists, from 1 to 1000.</summary>
    public int PageLength { get; set; } = 50;

    /// <summary>How many requests per minute a token of the HTTP API may send to an instance. At least 1.</summary>
    public int TokenRequestsPerMinute { get; set; } = 600;

    /// <summary>How long a dry run can be run through the HTTP API.</summary>
    internal TimeSpan DryRunLife { get; set; } = TimeSpan.FromMinutes(15);

    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(ViewPolicy) || string.IsNullOrWhiteSpace(OperatePolicy))
        {
            throw new InvalidOperationException(
                "MapDeadLetters needs options.ViewPolicy and options.OperatePolicy, the names of two authorization policies. The pages show personal data and act on the broker, so they are never mapped without authorization");
        }
        if (TokenRequestsPerMinute < 1)
            throw new InvalidOperationException("MapDeadLetters needs options.TokenRequestsPerMinute of at least 1");
        if (LookAtFirst < 1 || PageLength is < 1 or > 1000)
            throw new InvalidOperationException("MapDeadLetters needs options.LookAtFirst of at least 1 and options.PageLength from 1 to 1000");
    }
}
