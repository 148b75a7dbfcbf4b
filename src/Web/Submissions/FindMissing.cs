using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>When a submission that nothing is heard of is looked for next, and an index of those that something is expected of.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611280041, "Missing submissions")]
public sealed class FindMissing : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Alter.Table("submissions").AddColumn("check_after").AsInt64().Nullable();
        Execute.Sql($"CREATE INDEX submissions_open ON submissions (confirmed_at) WHERE {SubmissionStore.IsOpen}");
    }

    /// <inheritdoc/>
    public override void Down()
    {
        Execute.Sql("DROP INDEX submissions_open");
        Delete.Column("check_after").FromTable("submissions");
    }
}
