using FluentMigrator;

namespace WorkinIt.SignIn;

/// <summary>The sessions of operators who signed in with OpenID Connect, at the standalone server. Times are Unix milliseconds; the id is a hash of the session's key.</summary>
[Migration(202611300030, "Sessions of operators who signed in with OpenID Connect")]
public sealed class AddOpenIdSessions : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Create.Table("operator_openid_sessions")
            .WithColumn("id").AsString(64).PrimaryKey()
            .WithColumn("subject").AsString(int.MaxValue).NotNullable().Indexed()
            .WithColumn("issuer_session").AsString(int.MaxValue).NotNullable().Indexed()
            .WithColumn("name").AsString(255).NotNullable()
            .WithColumn("may_operate").AsInt64().NotNullable()
            .WithColumn("tokens").AsString(int.MaxValue).NotNullable() // encrypted
            .WithColumn("renew_at").AsInt64().NotNullable()
            .WithColumn("valid_until").AsInt64().NotNullable()
            .WithColumn("renewing_until").AsInt64().NotNullable()
            .WithColumn("expires_at").AsInt64().NotNullable();
    }

    /// <inheritdoc/>
    public override void Down() => Delete.Table("operator_openid_sessions");
}
