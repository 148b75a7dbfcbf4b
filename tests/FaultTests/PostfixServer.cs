using System.Net.Sockets;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>
/// Debian's Postfix in a separate folder, with its own configuration, queue and log. It listens on one port on 127.0.0.1 and relays all mails.
/// The system's instance is not touched.
/// </summary>
/// <param name="settings">Additional lines of its <c>main.cf</c>.</param>
internal sealed partial class PostfixServer(params string[] settings) : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-postfix-").FullName;
    private bool _configured;
    private bool _isRunning;

    public int Port { get; } = Ports.TakeFree();

    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>
    /// How often Postfix accepted each Message-ID, according to its log: each queue id that became active counts once. Postfix repeats the mails that
    /// it was relaying when it was stopped, so the server behind it receives some of these mails twice.
    /// </summary>
    public IReadOnlyDictionary<string, int> Taken
    {
        get
        {
            var log = Log;
            var active = Active().Matches(log).Select(line => line.Groups[1].Value).ToHashSet();
            return MessageId().Matches(log).Where(line => active.Contains(line.Groups[1].Value)).DistinctBy(line => line.Groups[1].Value)
                .CountBy(line => line.Groups[2].Value).ToDictionary();
        }
    }

    private string LogFile => Path.Combine(_folder, "log", "mail.log");

    private string Configuration => Path.Combine(_folder, "etc");

    /// <param name="relayTo">The port that mails are relayed to; ignored after the first start.</param>
    public async Task StartAsync(int relayTo = 0)
    {
        if (!_configured)
            await ConfigureAsync(relayTo);
        await SystemCommand.RunAsync("postfix", "-c", Configuration, "start");
        _isRunning = true;
        await Eventually.SeeAsync(
            async () =>
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", Port);
                return client.Connected;
            },
            connected => connected, "Postfix listens");
    }

    public async Task StopAsync()
    {
        _isRunning = false;
        await SystemCommand.RunAsync("postfix", "-c", Configuration, "stop");
    }

    public async ValueTask DisposeAsync()
    {
        if (_isRunning)
            await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ConfigureAsync(int relayTo)
    {
        _configured = true;
        // Postfix runs its processes as the user postfix, and a temporary folder is accessible only to its owner.
        await SystemCommand.RunAsync("chmod", "755", _folder);
        foreach (var folder in new[] { "etc", "queue", "data", "log" })
            Directory.CreateDirectory(Path.Combine(_folder, folder));
        await SystemCommand.RunAsync("chown", "postfix", Path.Combine(_folder, "data"));
        await File.WriteAllTextAsync(Path.Combine(Configuration, "main.cf"), $"""
            compatibility_level = 3.6
            queue_directory = {_folder}/queue
            data_directory = {_folder}/data
            maillog_file_prefixes = {_folder}/log
            maillog_file = {LogFile}
            myhostname = postfix.example
            mydestination =
            alias_maps =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            relayhost = [127.0.0.1]:{relayTo}
            smtp_tls_security_level = none
            smtpd_tls_security_level = none
            # Else clients on this machine have no limits.
            smtpd_client_event_limit_exceptions =
            {string.Join('\n', settings)}

            """);
        await File.WriteAllTextAsync(Path.Combine(Configuration, "master.cf"), $"""
            127.0.0.1:{Port} inet n - n - - smtpd
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            flush unix n - n 1000? 0 flush
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            showq unix n - n - - showq
            error unix - - n - - error
            retry unix - - n - - error
            discard unix - - n - - discard
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """);
    }

    [GeneratedRegex(@"/cleanup\[\d+\]: (\w+): message-id=<([^>]+)>", RegexOptions.CultureInvariant)]
    private static partial Regex MessageId();

    [GeneratedRegex(@"/qmgr\[\d+\]: (\w+): from=.*\(queue active\)", RegexOptions.CultureInvariant)]
    private static partial Regex Active();
}
