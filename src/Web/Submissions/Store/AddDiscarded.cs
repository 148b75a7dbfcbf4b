using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>The times when an operator discarded the dead letter of a submission, and last restored it.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611280040, "Discarded submissions")]
public sealed class AddDiscarded : Migration
{
    /// <inheritdoc/>
    public override void Up() => Alter.Table("submissions").AddColumn("discarded_at").AsInt64().Nullable().AddColumn("restored_at").AsInt64().Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Column("discarded_at").Column("restored_at").FromTable("submissions");
}
