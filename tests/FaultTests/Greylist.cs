using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace WorkinIt.FaultTests;

/// <summary>A greylisting policy service for Postfix (see its SMTPD_POLICY_README): it defers mails to a recipient until a delay after the first attempt.</summary>
internal sealed class Greylist : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, long> _firstSeen = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeSpan _delay;
    private readonly Task _accepting;
    private int _deferred;

    public Greylist(TimeSpan laterThan)
    {
        _delay = laterThan;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of recipients that Postfix has asked about.</summary>
    public int Recipients => _firstSeen.Count;

    /// <summary>The number of 450 replies.</summary>
    public int Deferred => Volatile.Read(ref _deferred);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
                clients.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var owned = client;
        try
        {
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream);
            await using var writer = new StreamWriter(stream) { AutoFlush = true };
            var recipient = "";
            while (await reader.ReadLineAsync(_stop.Token) is { } line)
            {
                if (line.StartsWith("recipient=", StringComparison.Ordinal))
                    recipient = line["recipient=".Length..];
                if (line.Length == 0)
                    await writer.WriteAsync($"action={Decide(recipient)}\n\n".AsMemory(), _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Postfix closed the connection, or the test has ended.
        }
    }

    private string Decide(string recipient)
    {
        if (Stopwatch.GetElapsedTime(_firstSeen.GetOrAdd(recipient, _ => Stopwatch.GetTimestamp())) >= _delay)
            return "dunno";
        Interlocked.Increment(ref _deferred);
        return "defer_if_permit 4.7.1 Greylisted, come back later";
    }
}
