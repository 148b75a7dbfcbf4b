using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>The time when a submission without events is next checked, and an index of the submissions that still expect an event.</summary>
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
