using System.ComponentModel;
using System.Diagnostics;

namespace WorkinIt.Cli;

/// <summary>Opens the user's browser.</summary>
internal static class Browser
{
    /// <summary>Opens an address, without waiting for the browser.</summary>
    /// <returns>False if there is none, as on a server without a display.</returns>
    public static bool TryOpen(Uri address)
    {
        try
        {
            if (OperatingSystem.IsWindows())
                return Start(new ProcessStartInfo(address.ToString()) { UseShellExecute = true });
            if (OperatingSystem.IsMacOS())
                return Start(new ProcessStartInfo("open", [address.ToString()]));
            return HasDisplay && Start(new ProcessStartInfo("xdg-open", [address.ToString()]) { RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Exception e) when (e is Win32Exception or FileNotFoundException or PlatformNotSupportedException)
        {
            return false;
        }
    }

    private static bool HasDisplay => CommandContext.Setting("DISPLAY") is not null || CommandContext.Setting("WAYLAND_DISPLAY") is not null;

    private static bool Start(ProcessStartInfo start)
    {
        using var process = Process.Start(start);
        return process is not null;
    }
}
