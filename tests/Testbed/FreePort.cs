using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.Testbed;

/// <summary>Ports for the programs that tests start. Each is given out once among all test programs of this machine.</summary>
/// <remarks>
/// A port asked of the system and closed again is anybody's until the program listens: of two tests at a time, one took the other's, and its
/// mails were submitted to the other's Consumers. These are below those that the system gives to outgoing connections, and beside those of dev/lib.sh.
/// </remarks>
public static class FreePort
{
    private const int First = 12000;
    private const int Count = 10000;

    private static readonly Lock Gate = new();
    private static readonly List<Mutex> Taken = []; // until this program ends
    private static int _next = Environment.ProcessId * 100 % Count;

    /// <summary>A port on which nobody listens, and which no other test gets.</summary>
    /// <exception cref="InvalidOperationException">There is none left.</exception>
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
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free: end what listens on them.");
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
