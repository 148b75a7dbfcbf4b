using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>A hash of the recipient's address, by which the submissions to one recipient are counted. It is removed together with the address.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611240004, "Submissions per recipient")]
public sealed class CountPerRecipient : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Alter.Table("submissions").AddColumn("recipient").AsInt64().Nullable();
        Execute.Sql("CREATE INDEX submissions_recipient ON submissions (recipient, accepted_at) WHERE recipient IS NOT NULL");
    }

    /// <inheritdoc/>
    public override void Down() => Delete.Column("recipient").FromTable("submissions");
}
