using System.Net;
using System.Net.Sockets;
using WorkinIt.Consumers.Mail;

namespace WorkinIt.Tests.Mail;

public sealed class SmtpSocketStreamTests : IDisposable
{
    private readonly SmtpSocketStream _stream;
    private readonly Socket _server;

    public SmtpSocketStreamTests()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndpoint);
        _server = listener.AcceptSocket();
        _stream = new SmtpSocketStream(client);
    }

    [Fact]
    public async Task Written_bytes_are_reported_as_held_back_until_they_are_flushed()
    {
        await _stream.WriteAsync("MAIL"u8.ToArray());
        _stream.HoldsBack.ShouldBeTrue();
        _server.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead).ShouldBeFalse();

        await _stream.FlushAsync();
        _stream.HoldsBack.ShouldBeFalse();
        (await ReceiveAsync(4)).ShouldBe("MAIL"u8.ToArray());
    }

    [Fact]
    public async Task Pending_bytes_are_sent_before_a_read_waits_for_the_reply()
    {
        await _stream.WriteAsync("QUIT"u8.ToArray());
        var answer = _stream.ReadAsync(new byte[3]).AsTask();
        (await ReceiveAsync(4)).ShouldBe("QUIT"u8.ToArray());
        await _server.SendAsync("221"u8.ToArray());
        (await answer).ShouldBe(3);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(100_000)]
    public async Task Bytes_arrive_complete_and_in_order_for_any_block_size(int block)
    {
        var mail = System.Security.Cryptography.RandomNumberGenerator.GetBytes(300_000);
        var received = ReceiveAsync(mail.Length);
        foreach (var part in mail.Chunk(block))
            await _stream.WriteAsync(part);
        await _stream.FlushAsync();
        (await received).ShouldBe(mail);
    }

    [Fact]
    public async Task Bytes_whose_flush_failed_are_not_reported_as_held_back()
    {
        _server.Close(0); // sends a TCP reset
        await _stream.WriteAsync(new byte[1000]);
        await Should.ThrowAsync<IOException>(async () =>
        {
            while (true)
            {
                await _stream.WriteAsync(new byte[1000]);
                await _stream.FlushAsync();
            }
        });
        _stream.HoldsBack.ShouldBeFalse();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _server.Dispose();
    }

    private async Task<byte[]> ReceiveAsync(int count)
    {
        var bytes = new byte[count];
        for (var have = 0; have < count;)
            have += await _server.ReceiveAsync(bytes.AsMemory(have)) is > 0 and var more ? more : throw new EndOfStreamException();
        return bytes;
    }
}
