using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>The operations of all instances. Times are Unix milliseconds.</summary>
[Migration(202611290060, "Catalogue: operations")]
public sealed class CreateOperations : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Create.Table("catalogue_operations")
            .WithColumn("id").AsString(32).PrimaryKey()
            .WithColumn("queue").AsString(255).NotNullable()
            .WithColumn("title").AsString(1024).NotNullable()
            .WithColumn("started_by").AsString(255).NotNullable()
            .WithColumn("is_dry_run").AsInt16().NotNullable()
            .WithColumn("started_at").AsInt64().NotNullable()
            .WithColumn("updated_at").AsInt64().NotNullable()
            .WithColumn("ended_at").AsInt64().Nullable()
            .WithColumn("is_cancelled").AsInt16().NotNullable().WithDefaultValue(0)
            .WithColumn("is_taken").AsInt16().NotNullable().WithDefaultValue(0)
            .WithColumn("examined").AsInt64().NotNullable().WithDefaultValue(0)
            .WithColumn("total").AsInt64().NotNullable().WithDefaultValue(0)
            .WithColumn("done").AsInt64().NotNullable().WithDefaultValue(0)
            .WithColumn("refused").AsInt64().NotNullable().WithDefaultValue(0)
            .WithColumn("result").AsString(1024).Nullable()
            .WithColumn("problem").AsString(4096).Nullable()
            .WithColumn("request").AsString(int.MaxValue).Nullable(); // of a dry run that was not run yet; may contain search words
        Create.Index("catalogue_operations_started").OnTable("catalogue_operations").OnColumn("started_at");
    }

    /// <inheritdoc/>
    public override void Down() => Delete.Table("catalogue_operations");
}
