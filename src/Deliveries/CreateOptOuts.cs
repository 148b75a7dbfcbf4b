using FluentMigrator;

namespace WorkinIt.Deliveries;

/// <summary>The suppression list: a keyed digest of each mailbox, and since when, in Unix milliseconds.</summary>
[Migration(202611240021, "Opt-outs")]
public sealed class CreateOptOuts : Migration
{
    /// <inheritdoc/>
    public override void Up() => Create.Table("opt_outs")
        .WithColumn("recipient").AsString(64).PrimaryKey()
        .WithColumn("since").AsInt64().NotNullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("opt_outs"); // all recipients on the list would be mailed again
}
