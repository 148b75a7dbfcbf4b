using System.Data;
using System.Data.Common;
using Dapper;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>Reads and writes what the watch has seen of causes.</summary>
internal static class CauseTracks
{
    /// <summary>Reads some or all tracks, by cause.</summary>
    public static Dictionary<string, CauseTrack> Read(DbConnection connection, DbTransaction? transaction, string where = "", object? parameters = null)
    {
        var versions = new List<(string Cause, string Version)>();
        using (var rows = connection.ExecuteReader($"SELECT cause, version FROM catalogue_triage_versions {where}", parameters, transaction))
        {
            while (rows.Read())
                versions.Add((rows.GetString(0), rows.GetString(1)));
        }
        var byCause = versions.ToLookup(row => row.Cause, row => row.Version, StringComparer.Ordinal);
        var tracks = new Dictionary<string, CauseTrack>(StringComparer.Ordinal);
        using (var rows = connection.ExecuteReader(
            $"SELECT cause, first_at, first_version, failed_again, gone_since, back_at, burst_at, announced_at, announced_by FROM catalogue_triage_causes {where}", parameters, transaction))
        {
            while (rows.Read())
                tracks.Add(rows.GetString(0), Of(rows, byCause[rows.GetString(0)]));
        }
        return tracks;
    }

    /// <summary>Writes the track of a cause; creates it.</summary>
    public static void Write(DbConnection connection, DbTransaction transaction, string cause, CauseTrack? before, CauseTrack track, DateTimeOffset now)
    {
        connection.Execute(
            """
            INSERT INTO catalogue_triage_causes (cause, first_at, first_version, failed_again, gone_since, back_at, burst_at, announced_at, announced_by)
            VALUES (@cause, @first, @version, @failedAgain, @gone, @back, @burst, @announced, @announcedBy)
            ON CONFLICT (cause) DO UPDATE SET first_at = excluded.first_at, failed_again = excluded.failed_again, gone_since = excluded.gone_since,
                back_at = excluded.back_at, burst_at = excluded.burst_at, announced_at = excluded.announced_at, announced_by = excluded.announced_by
            """,
            new
            {
                cause,
                first = track.FirstAt.ToUnixTimeMilliseconds(),
                version = track.FirstVersion,
                failedAgain = track.FailedAgain,
                gone = track.GoneSince?.ToUnixTimeMilliseconds(),
                back = track.BackAt?.ToUnixTimeMilliseconds(),
                burst = track.BurstAt?.ToUnixTimeMilliseconds(),
                announced = track.AnnouncedAt?.ToUnixTimeMilliseconds(),
                announcedBy = track.AnnouncedBy,
            },
            transaction);
        foreach (var version in track.Versions.Where(version => before?.Versions.Contains(version) != true))
        {
            connection.Execute(
                "INSERT INTO catalogue_triage_versions (cause, version, first_at) VALUES (@cause, @version, @at) ON CONFLICT (cause, version) DO NOTHING",
                new { cause, version, at = now.ToUnixTimeMilliseconds() }, transaction);
        }
    }

    /// <summary>Deletes what was seen of causes that have had no letters since a time, and that no operator noted anything about.</summary>
    public static void Prune(DbConnection connection, DbTransaction transaction, DateTimeOffset before)
    {
        const string Old = "cause IN (SELECT cause FROM catalogue_triage_causes WHERE gone_since < @before) AND cause NOT IN (SELECT cause FROM catalogue_triage)";
        connection.Execute($"DELETE FROM catalogue_triage_versions WHERE {Old}", new { before = before.ToUnixTimeMilliseconds() }, transaction);
        connection.Execute($"DELETE FROM catalogue_triage_causes WHERE {Old}", new { before = before.ToUnixTimeMilliseconds() }, transaction);
    }

    private static CauseTrack Of(IDataRecord row, IEnumerable<string> versions) => new()
    {
        FirstAt = Rows.Time(row, 1)!.Value,
        FirstVersion = Rows.Text(row, 2),
        FailedAgain = row.GetInt64(3),
        GoneSince = Rows.Time(row, 4),
        BackAt = Rows.Time(row, 5),
        BurstAt = Rows.Time(row, 6),
        AnnouncedAt = Rows.Time(row, 7),
        AnnouncedBy = row.IsDBNull(8) ? null : row.GetInt64(8),
        Versions = versions.ToHashSet(StringComparer.Ordinal),
    };
}

/// <summary>Reads columns.</summary>
internal static class Rows
{
    public static DateTimeOffset? Time(IDataRecord row, int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    public static string? Text(IDataRecord row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
