using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.Web.Submissions;

/// <summary>The store's table. Times are Unix milliseconds, and ids are 32 hexadecimal digits, on both SQLite and PostgreSQL.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611240001, "Submissions")]
public sealed class CreateSubmissions : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Create.Table("submissions")
            .WithColumn("id").AsString(32).PrimaryKey()
            .WithColumn("email").AsString(254).Nullable() // email and thought are removed after Submissions__KeepFor
            .WithColumn("thought").AsString(2000).Nullable()
            .WithColumn("body_hash").AsString(64).NotNullable() // kept, so that the same key always means the same submission
            .WithColumn("state").AsInt16().NotNullable()
            .WithColumn("attempt").AsInt32().NotNullable()
            .WithColumn("accepted_at").AsInt64().NotNullable()
            .WithColumn("confirmed_at").AsInt64().Nullable()
            .WithColumn("sent_at").AsInt64().Nullable()
            .WithColumn("next_try_at").AsInt64().Nullable()
            .WithColumn("gif").AsString(2048).Nullable();
        // Partial indexes, which stay small in a large table: unconfirmed submissions only, and those that still hold personal data.
        Execute.Sql("CREATE INDEX submissions_unconfirmed ON submissions (accepted_at) WHERE confirmed_at IS NULL");
        Execute.Sql("CREATE INDEX submissions_personal ON submissions (accepted_at) WHERE email IS NOT NULL");
    }

    /// <inheritdoc/>
    public override void Down() => Delete.Table("submissions");
}
