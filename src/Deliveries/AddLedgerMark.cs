using FluentMigrator;

namespace WorkinIt.Deliveries;

/// <summary>The ledger's mark: one row.</summary>
[Migration(202611280003, "Deliveries: how much the ledger knows")]
public sealed class AddLedgerMark : Migration
{
    /// <inheritdoc/>
    public override void Up() => Create.Table("ledger_mark")
        .WithColumn("id").AsInt16().PrimaryKey()
        .WithColumn("ledger").AsString(32).NotNullable()
        .WithColumn("number").AsInt64().NotNullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("ledger_mark");
}
