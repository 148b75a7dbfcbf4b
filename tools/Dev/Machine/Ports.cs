using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Dev.Machine;

/// <summary>TCP ports of this machine's loopback address.</summary>
internal static class Ports
{
    private const int First = 22000;
    private const int Count = 10000;

    /// <summary>Returns whether a process listens on a port.</summary>
    public static bool IsTaken(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Parses a port number.</summary>
    /// <param name="text">The number.</param>
    /// <param name="variable">The environment variable that it came from, or would come from.</param>
    /// <exception cref="ToolException">It is not a port number.</exception>
    public static int Parse(string text, string variable) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535 && text[0] != '0'
            ? port
            : throw new ToolException($"{variable} must be a port number from 1 to 65535, but is {text}.");

    /// <summary>Fails if a process listens on a port.</summary>
    /// <param name="who">What needs the port.</param>
    /// <param name="port">The port.</param>
    /// <param name="variable">The environment variable that changes the port.</param>
    /// <exception cref="ToolException">A process listens on the port.</exception>
    public static void RefuseTaken(string who, int port, string variable)
    {
        if (IsTaken(port))
            throw new ToolException($"Port {port} is in use, so {who} can't start. Stop the process that uses it, or set {variable} to another port.");
    }

    /// <summary>
    /// Returns a port on which no process listens, below the range that the kernel gives to outgoing connections. Each port is given away only once
    /// within three hours, because it may take a minute until a program listens on it. Tests get their ports here too: when two tests ran at the same
    /// time, one took a port that the system had assigned to the other, and its mails were submitted to the other's Consumers.
    /// </summary>
    /// <exception cref="ToolException">No port is free.</exception>
    public static int TakeFree()
    {
        var given = Path.Combine(Path.GetTempPath(), $"workinit-ports-{Environment.UserName}");
        Directory.CreateDirectory(given);
        foreach (var old in Directory.EnumerateFileSystemEntries(given).Where(entry => File.GetLastWriteTimeUtc(entry) < DateTime.UtcNow.AddHours(-3)))
            TryDelete(old);
        for (var tried = 0; tried < 100; tried++)
        {
            var port = First + System.Security.Cryptography.RandomNumberGenerator.GetInt32(Count);
            // In this order, no server that got its port here gets a connection that it does not expect.
            if (TryCreate(Path.Combine(given, port.ToString(CultureInfo.InvariantCulture))) && !IsTaken(port))
                return port;
        }
        throw new ToolException($"No free port found between {First} and {First + Count}.");
    }

    private static bool TryCreate(string file)
    {
        try
        {
            new FileStream(file, FileMode.CreateNew).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process deletes it at the same time.
        }
    }
}
