using System.Globalization;

namespace WorkinIt.Dev.Processes;

/// <summary>
/// A file with a process id, and a second file, with the ending .started, with the start time and the boot id: the id may be reused by a process
/// that is not ours to stop. A copied folder contains both files, so callers also check the process's folder before they stop it.
/// </summary>
/// <param name="path">The path of the file.</param>
/// <param name="processes">The processes of the machine.</param>
internal sealed class PidFile(string path, ProcessTable processes)
{
    private readonly string _started = path + ".started";

    /// <summary>Creates the file object for the processes of this machine.</summary>
    public PidFile(string path)
        : this(path, ProcessTable.Machine)
    {
    }

    /// <summary>The id in the file, whether that process runs or not; null if there is none.</summary>
    public int? Id => int.TryParse(Text(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 1 ? id : null;

    /// <summary>The id in the file if exactly that process still runs; otherwise null.</summary>
    public int? Running => Id is { } id && processes.IsRunning(id) && (!File.Exists(_started) || Text(_started) == processes.StartedAt(id)) ? id : null;

    /// <summary>Writes the id of a process.</summary>
    public void Remember(int id)
    {
        File.WriteAllText(path, string.Create(CultureInfo.InvariantCulture, $"{id}\n"));
        if (processes.StartedAt(id) is { } started)
            File.WriteAllText(_started, started + "\n");
    }

    /// <summary>Deletes the files.</summary>
    public void Forget()
    {
        File.Delete(path);
        File.Delete(_started);
    }

    private static string? Text(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : null;
}
