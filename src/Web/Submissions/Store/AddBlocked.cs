using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>The time when a submission ended because its recipient has unsubscribed.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611240022, "Blocked submissions")]
public sealed class AddBlocked : Migration
{
    /// <inheritdoc/>
    public override void Up() => Alter.Table("submissions").AddColumn("blocked_at").AsInt64().Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Column("blocked_at").FromTable("submissions");
}
