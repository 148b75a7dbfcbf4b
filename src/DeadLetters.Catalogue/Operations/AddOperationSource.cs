using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>The source of an operation's queue: an application can have several, with queues of the same name.</summary>
[Migration(202611290075, "Catalogue: source of an operation")]
public sealed class AddOperationSource : Migration
{
    /// <inheritdoc/>
    public override void Up() => Alter.Table("catalogue_operations").AddColumn("source").AsString(255).Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Column("source").FromTable("catalogue_operations");
}
