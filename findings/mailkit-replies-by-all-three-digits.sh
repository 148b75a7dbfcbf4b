#!/usr/bin/env bash
# MailKit 4.18.2 evaluates all three digits of a mail server's reply, differently at each step. By RFC 5321 4.2, the first digit decides.
#
# Expected before the run: any 2xx is a yes at each step of the dialogue, any other first digit a no.
# Observed: the recipient step (RCPT) accepts every 2xx. The sender step (MAIL) accepts only 250 to 259. The step after the final dot accepts
# only 250: if the server accepts a mail with 251 or 200, MailKit throws an SmtpCommandException with the error code MessageNotAccepted and
# that 2xx as StatusCode.
#
# Affects: applications that send again when SendAsync throws. Such a mail arrives each time. Check the StatusCode of the
# SmtpCommandException.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >probe.cs <<'CS'
#:package MailKit@4.18.2
#:property PublishAot=false
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

foreach (var step in new[] { "MAIL", "RCPT", "." })
{
    foreach (var reply in new[] { 200, 249, 250, 251, 259, 260, 299 })
        Console.WriteLine($"{step} {reply}: {await SendAsync(step, reply)}");
}

static async Task<string> SendAsync(string step, int reply)
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    var server = ServeAsync(listener, step, reply);
    using var client = new SmtpClient { Timeout = 10_000 };
    await client.ConnectAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, SecureSocketOptions.None);
    var message = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "hello" } };
    message.From.Add(new MailboxAddress("", "jane@example.com"));
    message.To.Add(new MailboxAddress("", "john@example.org"));
    string result;
    try
    {
        await client.SendAsync(message);
        result = "sent";
    }
    catch (SmtpCommandException e)
    {
        result = $"{e.ErrorCode}, StatusCode {(int)e.StatusCode}";
    }
    await client.DisconnectAsync(quit: true);
    return $"{result}; the server has {(await server ? "the mail" : "no mail")}";
}

// Accepts every command, and answers one step with the tested reply. Returns whether it accepted a mail.
static async Task<bool> ServeAsync(TcpListener listener, string step, int reply)
{
    using var connection = await listener.AcceptTcpClientAsync();
    using var reader = new StreamReader(connection.GetStream(), Encoding.ASCII);
    await using var writer = new StreamWriter(connection.GetStream(), Encoding.ASCII) { NewLine = "\r\n", AutoFlush = true };
    await writer.WriteLineAsync("220 mail.example.org ESMTP");
    var (inData, taken) = (false, false);
    while (await reader.ReadLineAsync() is { } line)
    {
        if (inData && line != ".")
            continue;
        var command = line.Split(' ', ':')[0].ToUpperInvariant();
        var code = command == step ? reply : command switch { "DATA" => 354, "QUIT" => 221, _ => 250 };
        if (command == ".")
            (inData, taken) = (false, code / 100 == 2);
        await writer.WriteLineAsync($"{code} as you like");
        inData |= command == "DATA";
        if (command == "QUIT")
            break;
    }
    return taken;
}
CS

cat >expected <<'TEXT'
MAIL 200: SenderNotAccepted, StatusCode 200; the server has no mail
MAIL 249: SenderNotAccepted, StatusCode 249; the server has no mail
MAIL 250: sent; the server has the mail
MAIL 251: sent; the server has the mail
MAIL 259: sent; the server has the mail
MAIL 260: SenderNotAccepted, StatusCode 260; the server has no mail
MAIL 299: SenderNotAccepted, StatusCode 299; the server has no mail
RCPT 200: sent; the server has the mail
RCPT 249: sent; the server has the mail
RCPT 250: sent; the server has the mail
RCPT 251: sent; the server has the mail
RCPT 259: sent; the server has the mail
RCPT 260: sent; the server has the mail
RCPT 299: sent; the server has the mail
. 200: MessageNotAccepted, StatusCode 200; the server has the mail
. 249: MessageNotAccepted, StatusCode 249; the server has the mail
. 250: sent; the server has the mail
. 251: MessageNotAccepted, StatusCode 251; the server has the mail
. 259: MessageNotAccepted, StatusCode 259; the server has the mail
. 260: MessageNotAccepted, StatusCode 260; the server has the mail
. 299: MessageNotAccepted, StatusCode 299; the server has the mail
TEXT

dotnet --version
timeout 300 dotnet run probe.cs | tee seen
diff expected seen
