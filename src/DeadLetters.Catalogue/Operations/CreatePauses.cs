using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>The replays of all instances that are paused now. Times are Unix milliseconds.</summary>
[Migration(202611290170, "Catalogue: paused replays")]
public sealed class CreatePauses : Migration
{
    /// <inheritdoc/>
    public override void Up() =>
        Create.Table("catalogue_pauses")
            .WithColumn("operation").AsString(32).PrimaryKey()
            .WithColumn("paused_at").AsInt64().NotNullable()
            .WithColumn("reason").AsString(32).NotNullable()
            .WithColumn("text").AsString(1024).NotNullable()
            .WithColumn("slower_pace").AsDouble().NotNullable()
            .WithColumn("is_resumed").AsInt16().NotNullable().WithDefaultValue(0)
            .WithColumn("pace").AsDouble().Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("catalogue_pauses");
}
