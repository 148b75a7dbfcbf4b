using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>Allocates ports for the programs that tests start. Each port is allocated once among all test programs on this machine.</summary>
/// <remarks>
/// A port that the system assigned and that was closed again is free for any process until the program listens. When two tests ran at the same
/// time, one took the other's port, and its mails were submitted to the other's Consumers. The ports here are below those that the system assigns
/// to outgoing connections, and do not overlap with those of tools/Dev.
/// </remarks>
public static class FreePort
{
    private const int First = 12000;
    private const int Count = 10000;

    private static readonly Lock Gate = new();
    private static readonly List<Mutex> Taken = []; // held until this program exits
    private static int _next = Environment.ProcessId * 100 % Count;

    /// <summary>Returns a port that is free and that no other test gets.</summary>
    /// <exception cref="InvalidOperationException">No port is free.</exception>
    public static int Take()
    {
        lock (Gate)
        {
            for (var tried = 0; tried < Count; tried++)
            {
                var port = First + _next;
                _next = (_next + 1) % Count;
                if (!IsFree(port))
                    continue;
                var mutex = new Mutex(false, string.Create(CultureInfo.InvariantCulture, $@"Global\workinit-test-port-{port}"), out var isNew);
                if (isNew)
                {
                    Taken.Add(mutex);
                    return port;
                }
                mutex.Dispose();
            }
        }
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free: stop the programs that listen on them.");
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
