using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Tokens;

/// <summary>The tokens of the HTTP API. A token itself is not kept, only its hash. Times are Unix milliseconds.</summary>
[Migration(202611300010, "Catalogue: tokens of the API")]
public sealed class CreateApiTokens : Migration
{
    /// <inheritdoc/>
    public override void Up() =>
        Create.Table("catalogue_api_tokens")
            .WithColumn("id").AsString(16).PrimaryKey()
            .WithColumn("hash").AsString(64).NotNullable().Unique("catalogue_api_tokens_hash")
            .WithColumn("name").AsString(64).NotNullable()
            .WithColumn("scope").AsString(16).NotNullable()
            .WithColumn("made_by").AsString(255).NotNullable()
            .WithColumn("made_at").AsInt64().NotNullable()
            .WithColumn("expires_at").AsInt64().Nullable()
            .WithColumn("revoked_at").AsInt64().Nullable()
            .WithColumn("revoked_by").AsString(255).Nullable()
            .WithColumn("used_at").AsInt64().Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("catalogue_api_tokens");
}
