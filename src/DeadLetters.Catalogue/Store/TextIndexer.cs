using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Adds the texts of letters to the index, after the letters were added: that takes several times as long as adding them. Until then a text filter
/// reads these letters one by one.
/// </summary>
internal sealed class TextIndexer(CatalogueOptions options, GroupCommit commits)
{
    private const int AtOnce = 100; // about 50 ms, during which no letters are added

    /// <summary>Indexes the next letters. Call it when nothing else is to be done, until it returns zero.</summary>
    /// <returns>How many letters.</returns>
    public async Task<int> IndexAsync(CancellationToken cancellationToken)
    {
        var letters = await Task.Run(() => options.Database.Read(static statements => NotIndexed.Read(statements, AtOnce).ToList()), cancellationToken);
        if (letters.Count == 0)
            return 0;
        var insert = $"INSERT INTO catalogue_text ({(options.Database.IsSqlite ? "rowid" : "letter_id")}, text) VALUES (@id, @text)";
        return await commits.WriteAsync(statements =>
        {
            foreach (var (key, text) in letters)
            {
                // Another host may have indexed it, or it was deleted.
                if (statements.Execute("UPDATE catalogue_letters SET indexed = 1 WHERE id = @id AND indexed = 0", ("id", key)) > 0)
                    statements.Execute(insert, ("id", key), ("text", text));
            }
            return letters.Count;
        }, cancellationToken, CatalogueWriter.Exclusive);
    }
}
