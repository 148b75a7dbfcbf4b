using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>Whether a submission was ever held. A later try that fails does not show that the earlier mail did not arrive.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611290010, "Submissions that were held")]
public sealed class AddWasHeld : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Alter.Table("submissions").AddColumn("was_held").AsInt16().NotNullable().WithDefaultValue(0);
        Execute.Sql(string.Create(CultureInfo.InvariantCulture, $"UPDATE submissions SET was_held = 1 WHERE state = {(short)SubmissionState.Held}"));
    }

    /// <inheritdoc/>
    public override void Down() => Delete.Column("was_held").FromTable("submissions");
}
