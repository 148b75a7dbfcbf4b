using System.Security.Cryptography;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>
/// Adds the entries of an audit file to the database. The file stays as it is. A file with the same content is not read again, and an entry that
/// the database has is not added again.
/// </summary>
internal static class AuditImport
{
    private const int AddedAtOnce = 250;

    /// <summary>Adds the entries.</summary>
    /// <param name="file">The file; it need not exist.</param>
    /// <param name="commits">Writes to the database.</param>
    /// <param name="database">The database.</param>
    /// <param name="now">The time of the import.</param>
    /// <param name="cancellationToken">Cancels between two groups of entries. It can be run again.</param>
    /// <returns>How many entries were new.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The user has no right to read the file.</exception>
    /// <exception cref="System.Data.Common.DbException">The database can't be used.</exception>
    public static async Task<int> RunAsync(AuditFile file, GroupCommit commits, Database database, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await DigestAsync(file.FilePath, cancellationToken) is not { } digest || IsAdded(database, digest))
            return 0;
        var added = 0;
        foreach (var entries in (await file.ReadAsync(null, int.MaxValue, cancellationToken)).Chunk(AddedAtOnce))
        {
            added += await commits.WriteAsync(statements => entries.Sum(entry => AuditRows.Add(statements, entry)), cancellationToken);
        }
        await commits.WriteAsync(
            statements => statements.Execute(
                "INSERT INTO catalogue_audit_files (digest, added_at, entries) VALUES (@digest, @at, @entries) ON CONFLICT (digest) DO NOTHING",
                ("digest", digest), ("at", now.ToUnixTimeMilliseconds()), ("entries", added)),
            cancellationToken);
        return added;
    }

    private static bool IsAdded(Database database, string digest) =>
        database.Read(statements => statements.Scalar<long?>("SELECT added_at FROM catalogue_audit_files WHERE digest = @digest", ("digest", digest))) is not null;

    private static async Task<string?> DigestAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return null;
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
    }
}
