using FluentMigrator;
using WorkinIt.Storage;

namespace WorkinIt.Deliveries;

/// <summary>The table that the health check writes to.</summary>
[Migration(202611280002, "Deliveries: a table to try a write on")]
public sealed class AddDeliveriesProbe : Migration
{
    internal const string Table = "deliveries_probe";

    /// <inheritdoc/>
    public override void Up() => WriteProbe.CreateTable(this, Table);

    /// <inheritdoc/>
    public override void Down() => Delete.Table(Table);
}
