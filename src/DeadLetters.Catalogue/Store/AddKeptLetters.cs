using System.Diagnostics.CodeAnalysis;
using FluentMigrator;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Letters that failed while their queue was missing. <c>catalogue_whole</c> has the complete contents of letters that no queue is known to have:
/// head and body, not compressed. <c>seen_to</c> is the highest number of a letter up to which a queue was seen to have all its letters.
/// </summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "FluentMigrator finds public migrations only")]
[Migration(202611290100, "Catalogue: letters that failed while their queue was missing")]
public sealed class AddKeptLetters : Migration
{
    private static readonly string[] _columns = ["routes TEXT NOT NULL DEFAULT ''", "seen_to BIGINT NOT NULL DEFAULT 0", "walk_from BIGINT NOT NULL DEFAULT 0", "unbound_at BIGINT"];

    /// <inheritdoc/>
    public override void Up()
    {
        foreach (var column in _columns)
            Execute.Sql($"ALTER TABLE catalogue_queues ADD COLUMN {column}");
        Execute.Sql("UPDATE catalogue_queues SET seen_to = coalesce((SELECT max(id) FROM catalogue_letters), 0)");
        IfDatabase(type => type.StartsWith("SQLite", StringComparison.OrdinalIgnoreCase)).Execute.Sql("CREATE TABLE catalogue_whole (letter_id INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL)");
        IfDatabase(type => type.StartsWith("Postgre", StringComparison.OrdinalIgnoreCase)).Execute.Sql("CREATE TABLE catalogue_whole (letter_id BIGINT PRIMARY KEY, head BYTEA NOT NULL, body BYTEA NOT NULL)");
    }

    /// <inheritdoc/>
    public override void Down()
    {
        Execute.Sql("DROP TABLE catalogue_whole");
        foreach (var column in _columns)
            Execute.Sql($"ALTER TABLE catalogue_queues DROP COLUMN {column.Split(' ')[0]}");
    }
}
