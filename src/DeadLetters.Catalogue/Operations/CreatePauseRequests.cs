using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>The running replays of all instances that a user of any instance can pause, and who has asked for that. Times are Unix milliseconds.</summary>
[Migration(202611300020, "Catalogue: requests to pause a replay")]
public sealed class CreatePauseRequests : Migration
{
    /// <inheritdoc/>
    public override void Up() =>
        Create.Table("catalogue_pause_requests")
            .WithColumn("operation").AsString(32).PrimaryKey()
            .WithColumn("started_at").AsInt64().NotNullable()
            .WithColumn("requested_by").AsString(255).Nullable();

    /// <inheritdoc/>
    public override void Down() => Delete.Table("catalogue_pause_requests");
}
