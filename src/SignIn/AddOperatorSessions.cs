using FluentMigrator;

namespace WorkinIt.SignIn;

/// <summary>The sessions of operators who are signed in to the dead-letter pages. Times are Unix milliseconds; the id is a hash of the session's key.</summary>
[Migration(202611280025, "Sessions of operators")]
public sealed class AddOperatorSessions : Migration
{
    /// <inheritdoc/>
    public override void Up() => Create.Table("operator_sessions")
        .WithColumn("id").AsString(64).PrimaryKey()
        .WithColumn("name").AsString(255).NotNullable()
        .WithColumn("tags").AsString(255).NotNullable()
        .WithColumn("password").AsString(8192).NotNullable() // encrypted
        .WithColumn("asked_at").AsInt64().NotNullable()
        .WithColumn("expires_at").AsInt64().NotNullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("operator_sessions");
}
