using FluentMigrator;

namespace WorkinIt.Deliveries;

/// <summary>The last replay with which an operator released a delivery with an unknown outcome to be sent again.</summary>
[Migration(202611240003, "Deliveries: replays")]
public sealed class AddReplays : Migration
{
    /// <inheritdoc/>
    public override void Up() => Alter.Table("deliveries").AddColumn("replay_id").AsString(80).Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Column("replay_id").FromTable("deliveries");
}
