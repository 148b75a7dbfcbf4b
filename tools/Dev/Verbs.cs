namespace WorkinIt.Dev;

/// <summary>Exit codes and help texts that all verbs share.</summary>
internal static class Verbs
{
    /// <summary>Prints the help text that was asked for.</summary>
    public static int Help(string usage)
    {
        Output.Say(usage);
        return 0;
    }

    /// <summary>Prints the help text after a mistake.</summary>
    public static int WrongUsage(string usage)
    {
        Output.Warn(usage);
        return 2;
    }
}
