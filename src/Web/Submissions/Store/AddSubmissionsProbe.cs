using System.Diagnostics.CodeAnalysis;
using FluentMigrator;
using WorkinIt.Storage;

namespace WorkinIt.Web.Submissions;

/// <summary>The table that the health check writes to.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611280001, "Submissions: a table to try a write on")]
public sealed class AddSubmissionsProbe : Migration
{
    internal const string Table = "submissions_probe";

    /// <inheritdoc/>
    public override void Up() => WriteProbe.CreateTable(this, Table);

    /// <inheritdoc/>
    public override void Down() => Delete.Table(Table);
}
