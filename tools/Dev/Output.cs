namespace WorkinIt.Dev;

/// <summary>What the tool prints: results and progress to standard output, problems to standard error.</summary>
internal static class Output
{
    /// <summary>Prints a line to standard output.</summary>
    public static void Say(string line) => Console.Out.WriteLine(line);

    /// <summary>Prints a line to standard error.</summary>
    public static void Warn(string line) => Console.Error.WriteLine(line);

    /// <summary>Prints the last lines of a file to standard error, or nothing if it can't be read.</summary>
    public static void WarnTail(string file, int lines = 15)
    {
        foreach (var line in Tail(file, lines))
            Warn(line);
    }

    /// <summary>Returns the last lines of a file; none if it can't be read.</summary>
    public static IEnumerable<string> Tail(string file, int lines)
    {
        try
        {
            return [.. Lines(file).TakeLast(lines)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>Reads a file that another process may be writing.</summary>
    public static IEnumerable<string> Lines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            yield return line;
    }
}
