using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>What operators noted about causes, each change of it, and what the watch has seen of each cause. Times are Unix milliseconds.</summary>
[Migration(202611290031, "Catalogue: triage")]
public sealed class CreateTriage : Migration
{
    /// <inheritdoc/>
    public override void Up()
    {
        Create.Table("catalogue_triage")
            .WithColumn("cause").AsString(32).PrimaryKey()
            .WithColumn("acknowledged_at").AsInt64().Nullable()
            .WithColumn("acknowledged_by").AsString(200).Nullable()
            .WithColumn("muted_at").AsInt64().Nullable()
            .WithColumn("muted_by").AsString(200).Nullable()
            .WithColumn("muted_until").AsInt64().Nullable()
            .WithColumn("muted_until_version").AsString(TriageLimits.Version).Nullable()
            .WithColumn("owner").AsString(TriageLimits.Owner).NotNullable()
            .WithColumn("note").AsString(TriageLimits.Note).NotNullable()
            .WithColumn("link").AsString(TriageLimits.Link).NotNullable();
        Create.Table("catalogue_triage_history")
            .WithColumn("id").AsInt64().PrimaryKey().Identity()
            .WithColumn("cause").AsString(32).NotNullable().Indexed("catalogue_triage_history_cause")
            .WithColumn("at").AsInt64().NotNullable()
            .WithColumn("changed_by").AsString(200).NotNullable()
            .WithColumn("verb").AsString(20).NotNullable()
            .WithColumn("text").AsString(TriageLimits.Owner + TriageLimits.Note + TriageLimits.Link + 100).NotNullable();
        Create.Table("catalogue_triage_causes")
            .WithColumn("cause").AsString(32).PrimaryKey()
            .WithColumn("first_at").AsInt64().NotNullable()
            .WithColumn("first_version").AsString(200).Nullable()
            .WithColumn("failed_again").AsInt64().NotNullable()
            .WithColumn("gone_since").AsInt64().Nullable()
            .WithColumn("back_at").AsInt64().Nullable()
            .WithColumn("burst_at").AsInt64().Nullable()
            .WithColumn("announced_at").AsInt64().Nullable()
            .WithColumn("announced_by").AsInt64().Nullable(); // the notification
        Create.Table("catalogue_triage_versions")
            .WithColumn("cause").AsString(32).PrimaryKey()
            .WithColumn("version").AsString(200).PrimaryKey()
            .WithColumn("first_at").AsInt64().NotNullable();
    }

    /// <inheritdoc/>
    public override void Down()
    {
        foreach (var table in new[] { "catalogue_triage_versions", "catalogue_triage_causes", "catalogue_triage_history", "catalogue_triage" })
            Delete.Table(table);
    }
}
