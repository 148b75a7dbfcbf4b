using System.Security.Cryptography;
using System.Text.Json;

namespace WorkinIt.Cli.Mcp;

/// <summary>A dry run as a person sees it before the confirmation.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Title">What it would do, without personal data.</param>
/// <param name="Text">What it found.</param>
/// <param name="Count">How many messages would be moved.</param>
/// <param name="By">The system user of the process that made it; empty if a server knows the user by a token.</param>
/// <param name="ExpiresAt">Until when it can be run.</param>
internal sealed record ShownDryRun(string Id, string Title, string Text, long Count, string By, DateTimeOffset ExpiresAt);

/// <summary>Whether a person has confirmed a dry run.</summary>
internal enum Confirmation
{
    Missing,
    Given,
    Expired,
}

/// <summary>
/// The dry runs of programs that wait for a person, as files that only the user can read. The process that made a dry run accepts a confirmation only of what it
/// shows itself: the confirmation has a hash of all that the person saw.
/// </summary>
internal sealed class DryRunFolder(string path)
{
    private const string Confirmed = ".confirmed";

    /// <summary>How long a dry run can be confirmed and run.</summary>
    public static TimeSpan Life { get; } = TimeSpan.FromMinutes(15);

    /// <summary>The folder of the user.</summary>
    public static DryRunFolder OfUser() => new(Path.Combine(
        CommandContext.Setting("XDG_DATA_HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "workinit", "dry-runs"));

    /// <summary>Shows a dry run to the user's other processes.</summary>
    public void Write(ShownDryRun dryRun)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var old in Directory.EnumerateFiles(path).Where(file => File.GetLastWriteTimeUtc(file) < DateTime.UtcNow - (2 * Life)))
            File.Delete(old);
        WriteFile(dryRun.Id, JsonSerializer.Serialize(dryRun));
    }

    /// <summary>Finds a dry run; null if there is none, or it has expired.</summary>
    public ShownDryRun? Find(string id)
    {
        if (id.Length == 0 || !id.All(char.IsAsciiHexDigitLower) || !File.Exists(Path.Combine(path, id)))
            return null;
        try
        {
            return JsonSerializer.Deserialize<ShownDryRun>(File.ReadAllText(Path.Combine(path, id))) is { } dryRun && dryRun.Id == id && !IsExpired(dryRun) ? dryRun : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Confirms what a person has seen.</summary>
    public void Confirm(ShownDryRun dryRun) => WriteFile(dryRun.Id + Confirmed, HashOf(dryRun));

    /// <summary>Whether a person has confirmed exactly this.</summary>
    public Confirmation Confirmation(ShownDryRun dryRun) =>
        IsExpired(dryRun) ? Mcp.Confirmation.Expired
        : Path.Combine(path, dryRun.Id + Confirmed) is var file && File.Exists(file) && File.ReadAllText(file) == HashOf(dryRun) ? Mcp.Confirmation.Given
        : Mcp.Confirmation.Missing;

    /// <summary>Removes a dry run that is run.</summary>
    public void Remove(string id)
    {
        File.Delete(Path.Combine(path, id));
        File.Delete(Path.Combine(path, id + Confirmed));
    }

    public static bool IsExpired(ShownDryRun dryRun) => dryRun.ExpiresAt <= DateTimeOffset.UtcNow;

    private static string HashOf(ShownDryRun dryRun) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(dryRun)));

    private void WriteFile(string name, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(new FileStream(Path.Combine(path, name), options));
        writer.Write(text);
    }
}
