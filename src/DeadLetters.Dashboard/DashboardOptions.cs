namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>How the pages are mounted. Both policies must be named: without them nothing is mapped.</summary>
public sealed class DashboardOptions
{
    /// <summary>The authorization policy of those who may look. Everything asks for it.</summary>
    public string LookPolicy { get; set; } = "";

    /// <summary>The authorization policy of those who may replay, edit, discard and restore. Asked for beside <see cref="LookPolicy"/>.</summary>
    public string ActPolicy { get; set; } = "";

    /// <summary>RabbitMQ's management UI, as the operator's browser reaches it; null: no links to it.</summary>
    public Uri? ManagementUi { get; set; }

    /// <summary>Where a POST signs the person out, within the application; null: no such button.</summary>
    public string? SignOutPath { get; set; }

    /// <summary>Stands at the head of each page.</summary>
    public string Title { get; set; } = "Dead letters";

    /// <summary>How many dead letters of a queue are looked at unless the person asks for all.</summary>
    public int LookAtFirst { get; set; } = 10_000;

    /// <summary>How many dead letters a page lists.</summary>
    public int PageLength { get; set; } = 50;

    internal void Validate()
    {
        if (string.IsNullOrWhiteSpace(LookPolicy) || string.IsNullOrWhiteSpace(ActPolicy))
        {
            throw new InvalidOperationException(
                "MapDeadLetters needs options.LookPolicy and options.ActPolicy, the names of two authorization policies: the pages show personal data and act on the broker, so they are never mapped open");
        }
        if (LookAtFirst < 1 || PageLength is < 1 or > 1000)
            throw new InvalidOperationException("MapDeadLetters needs options.LookAtFirst of at least 1 and options.PageLength from 1 to 1000");
    }
}
