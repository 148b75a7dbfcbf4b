using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>
/// Notifications, the receivers, and which receiver has got which notification. A receiver is named by a hash of its address, because the address may
/// contain a key. Times are Unix milliseconds.
/// </summary>
[Migration(202611290032, "Catalogue: notifications")]
public sealed class CreateNotifications : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Create.Table("catalogue_notifications")
            .WithColumn("id").AsInt64().PrimaryKey().Identity()
            .WithColumn("kind").AsString(20).NotNullable()
            .WithColumn("cause").AsString(32).Nullable().Indexed("catalogue_notifications_cause")
            .WithColumn("at").AsInt64().NotNullable()
            .WithColumn("content").AsString(int.MaxValue).NotNullable(); // JSON, without personal data
        Create.Table("catalogue_notification_receivers")
            .WithColumn("receiver").AsString(64).PrimaryKey()
            .WithColumn("starts_after").AsInt64().NotNullable() // it gets the notifications after this one
            .WithColumn("seen_at").AsInt64().NotNullable()
            .WithColumn("failures").AsInt32().NotNullable()
            .WithColumn("paused_until").AsInt64().Nullable()
            .WithColumn("last_success").AsInt64().Nullable()
            .WithColumn("last_failure").AsInt64().Nullable()
            .WithColumn("last_error").AsString(500).Nullable()
            .WithColumn("lease_owner").AsString(32).Nullable()
            .WithColumn("lease_until").AsInt64().Nullable();
        Create.Table("catalogue_notification_deliveries")
            .WithColumn("notification").AsInt64().PrimaryKey()
            .WithColumn("receiver").AsString(64).PrimaryKey()
            .WithColumn("state").AsInt16().NotNullable() // DeliveryState
            .WithColumn("tries").AsInt32().NotNullable()
            .WithColumn("at").AsInt64().NotNullable()
            .WithColumn("ended_at").AsInt64().Nullable();
        Create.Index("catalogue_notification_deliveries_waiting").OnTable("catalogue_notification_deliveries").OnColumn("receiver").Ascending().OnColumn("state").Ascending();
    }

    /// <inheritdoc/>
    public override void Down()
    {
        foreach (var table in new[] { "catalogue_notification_deliveries", "catalogue_notification_receivers", "catalogue_notifications" })
            Delete.Table(table);
    }
}
