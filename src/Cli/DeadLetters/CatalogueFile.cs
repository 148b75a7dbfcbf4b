using System.Data.Common;
using System.Globalization;
using WorkinIt.DeadLetters;
using WorkinIt.Storage;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>The catalogue of <c>workinit dead-letters serve</c>.</summary>
/// <param name="Database">The database.</param>
/// <param name="Place">What to call it in a message.</param>
/// <param name="AuditFile">The audit file whose entries it gets; it need not exist.</param>
internal sealed record CatalogueFile(Database Database, string Place, string AuditFile)
{
    /// <summary>Reads which database it is: that of <c>--catalogue</c>, of the environment, or a file of the broker in the user's data folder.</summary>
    /// <param name="file">The value of <c>--catalogue</c>.</param>
    /// <param name="context">The settings.</param>
    /// <exception cref="WrongUsageException">It can't be used.</exception>
    public static CatalogueFile Read(string? file, CommandContext context)
    {
        if (file is null && CommandContext.Setting(CommandAudit.Setting) is { } shared)
            return new CatalogueFile(CommandContext.ReadDatabase(CommandAudit.Setting, shared), $"the database of {CommandAudit.Setting}", context.Audit.File.FilePath);
        var path = Path.GetFullPath(file ?? Path.Combine(DataFolder, NameOf(context.Options)));
        Prepare(path);
        // The user's audit file has the entries of other brokers too.
        return new CatalogueFile(Database.Parse(new DbConnectionStringBuilder { ["Data Source"] = path }.ConnectionString), path, path + ".audit.jsonl");
    }

    /// <summary>The name of a broker's file: two virtual hosts have two.</summary>
    public static string NameOf(DeadLetterOptions broker) => string.Create(
        CultureInfo.InvariantCulture, $"{Uri.EscapeDataString(broker.Endpoints[0].HostName.ToLowerInvariant())}-{broker.Endpoints[0].Port}-{Uri.EscapeDataString(broker.VirtualHost)}.db");

    private static string DataFolder => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "workinit", "catalogues");

    // It holds personal data: for this user only.
    private static void Prepare(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        try
        {
            if (Directory.Exists(path))
                throw new WrongUsageException($"{path} is a folder. Select a file with --catalogue");
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete };
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }
            using (new FileStream(path, options))
            {
                // It can be written.
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WrongUsageException($"The catalogue can't be written to {path}: {e.Message.TrimEnd('.')}. Select another file with --catalogue");
        }
    }
}
