namespace WorkinIt.Dev.Processes;

/// <summary>Ends processes.</summary>
internal static class Ending
{
    /// <summary>Sends SIGTERM, waits, then sends SIGKILL.</summary>
    /// <returns>Whether the process has ended within the time.</returns>
    public static async Task<bool> EndAsync(int id, TimeSpan patience)
    {
        CLibrary.Send(Signal.Terminate, id);
        if (await GoneAsync(id, patience))
            return true;
        await KillAsync(id);
        return false;
    }

    /// <summary>Sends SIGKILL and waits until the process has ended: a machine that waits for its disk needs a while.</summary>
    public static async Task KillAsync(int id)
    {
        CLibrary.Send(Signal.Kill, id);
        await GoneAsync(id, TimeSpan.FromSeconds(20));
    }

    /// <summary>Waits until a process has ended.</summary>
    /// <returns>Whether it has ended within the time.</returns>
    public static Task<bool> GoneAsync(int id, TimeSpan within) => Wait.UntilAsync(within, () => !ProcessTable.Machine.IsRunning(id));
}
