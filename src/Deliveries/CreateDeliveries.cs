using FluentMigrator;

namespace WorkinIt.Deliveries;

/// <summary>The ledger's table. Times are Unix milliseconds, ids 32 hexadecimal digits: the same on SQLite and PostgreSQL.</summary>
[Migration(202611240002, "Deliveries")]
public sealed class CreateDeliveries : Migration
{
    /// <inheritdoc/>
    public override void Up() => Create.Table("deliveries")
        .WithColumn("submission_id").AsString(32).PrimaryKey()
        .WithColumn("state").AsInt16().NotNullable()
        .WithColumn("attempt").AsInt32().NotNullable()
        .WithColumn("in_hand").AsInt32().NotNullable()
        .WithColumn("owner").AsString(32).Nullable()
        .WithColumn("taken_at").AsInt64().Nullable()
        .WithColumn("lease_until").AsInt64().Nullable()
        .WithColumn("sent_at").AsInt64().Nullable()
        .WithColumn("gif").AsString(2048).Nullable()
        .WithColumn("detail").AsString(2048).Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("deliveries"); // this also deletes the record of which mails were sent
}
