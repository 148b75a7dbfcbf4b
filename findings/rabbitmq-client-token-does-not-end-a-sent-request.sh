#!/usr/bin/env bash
# RabbitMQ.Client 7.2.2: a CancellationToken does not end the wait for the answer to a request that was sent.
#
# Guess beforehand: QueueDeclareAsync(…, token) ends with OperationCanceledException soon after the token is cancelled, whatever the broker does.
# The broker's answer is then ignored.
# Seen: the token is observed until the request is written. After that, the call ends when the broker answers or when ContinuationTimeout is over
# (20 s by default, 4 s here). Only then it throws. Seen first with tx.rollback on a connection that RabbitMQ 3.10.8 had blocked because of an alarm:
# it does not read from it, so it never answers.
#
# Affects: health checks and commands with a deadline of their own. Await such a call with WaitAsync(token).
# The server here is a program that completes the handshake and answers no queue.declare.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >probe.cs <<'CS'
#:package RabbitMQ.Client@7.2.2
#:property PublishAot=false
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RabbitMQ.Client;

var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
_ = ServeAsync(listener);
var factory = new ConnectionFactory
{
    HostName = "127.0.0.1",
    Port = ((IPEndPoint)listener.LocalEndpoint).Port,
    ContinuationTimeout = TimeSpan.FromSeconds(4),
    AutomaticRecoveryEnabled = false,
};
var connection = await factory.CreateConnectionAsync();
await MeasureAsync("the token", (channel, token) => channel.QueueDeclareAsync("orders", cancellationToken: token));
await MeasureAsync("the token and WaitAsync", (channel, token) => channel.QueueDeclareAsync("orders", cancellationToken: token).WaitAsync(token));
Environment.Exit(0); // the server answers no close

async Task MeasureAsync(string how, Func<IChannel, CancellationToken, Task> ask)
{
    var channel = await connection.CreateChannelAsync();
    using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(1));
    var clock = Stopwatch.StartNew();
    try
    {
        await ask(channel, cancel.Token);
        Console.WriteLine($"{how}: answered");
    }
    catch (Exception e)
    {
        Console.WriteLine($"{how}, cancelled after 1 s: {e.GetType().Name}, {(clock.Elapsed < TimeSpan.FromSeconds(3) ? "soon" : "when ContinuationTimeout was over")}");
    }
}

static async Task ServeAsync(TcpListener listener)
{
    using var client = await listener.AcceptTcpClientAsync();
    var stream = client.GetStream();
    await stream.ReadExactlyAsync(new byte[8]); // the protocol header
    await SendAsync(stream, 0, 10, 10, [0, 9, 0, 0, 0, 0, 0, 0, 0, 5, .. "PLAIN"u8, 0, 0, 0, 5, .. "en_US"u8]); // connection.start
    var head = new byte[7];
    while (true)
    {
        await stream.ReadExactlyAsync(head);
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(3)) + 1];
        await stream.ReadExactlyAsync(frame);
        if (frame.Length < 5)
            continue; // a heartbeat
        var channel = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(1));
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame), BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(2)))
        {
            case (10, 11): await SendAsync(stream, 0, 10, 30, [7, 255, 0, 2, 0, 0, 0, 0]); break; // start-ok: tune
            case (10, 40): await SendAsync(stream, 0, 10, 41, [0]); break; // open: open-ok
            case (20, 10): await SendAsync(stream, channel, 20, 11, [0, 0, 0, 0]); break; // channel.open: open-ok
        }
    }
}

static async Task SendAsync(NetworkStream stream, ushort channel, ushort type, ushort method, byte[] arguments)
{
    var frame = new byte[arguments.Length + 12];
    frame[0] = 1;
    BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), channel);
    BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(3), arguments.Length + 4);
    BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(7), type);
    BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(9), method);
    arguments.CopyTo(frame, 11);
    frame[^1] = 0xCE;
    await stream.WriteAsync(frame);
}
CS

seen=$(timeout 300 dotnet run probe.cs 2>&1)
printf '%s\n' "$seen"
expected='the token, cancelled after 1 s: TaskCanceledException, when ContinuationTimeout was over
the token and WaitAsync, cancelled after 1 s: TaskCanceledException, soon'
[[ $seen == "$expected" ]] || { printf '\nThis is not what was seen before:\n%s\n' "$expected" >&2; exit 1; }
