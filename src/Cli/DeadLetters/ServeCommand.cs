using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Server.Local;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>
/// <c>workinit dead-letters serve</c> · <c>workinit dead-letters serve --broker amqp://user:password@localhost:5672</c>
/// </summary>
internal static class ServeCommand
{
    private const int UsualPort = 8090;

    public static Command Create()
    {
        var common = new CommonOptions();
        var broker = new Option<string?>("--broker") { Description = "The broker (default: ConnectionStrings__DeadLetters, else ConnectionStrings__RabbitMq, which other users of the machine can't see)", HelpName = "amqp://USER:PASSWORD@HOST:PORT/VHOST" };
        var management = new Option<string?>("--management") { Description = "The management API (default: RabbitMqManagement__Url, else the broker's host, port 15672, or 15671 with amqps)", HelpName = "URL" };
        var catalogue = new Option<string?>("--catalogue") { Description = "The SQLite file of the catalogue (default: ConnectionStrings__Catalogue, else a file of this broker in your data folder)", HelpName = "FILE" };
        var port = new Option<int>("--port") { Description = "The port on 127.0.0.1; 0 selects a free one", DefaultValueFactory = _ => UsualPort, HelpName = "PORT" };
        port.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var said }] && int.TryParse(said, CultureInfo.InvariantCulture, out var number) && number is < 0 or > ushort.MaxValue)
                result.AddError("--port must be 0 to 65535");
        });
        var signIn = new Option<bool>("--sign-in") { Description = "Let RabbitMQ's users sign in, instead of one browser by a link: the tag administrator may act, the others may view" };
        var noBrowser = new Option<bool>("--no-browser") { Description = "Do not open a browser" };
        var command = new Command("serve", """
            Serves the dead-letter pages for one person, on this machine, until Ctrl-C.

            The pages listen on 127.0.0.1 only. The link that is printed gives one browser access, once. While the server runs, a copy of each new dead letter
            goes to the queue dead-letters.feed, which the server reads; the catalogue keeps the dead letters of the last 30 days, and the audit log.

            Examples:
              workinit dead-letters serve --broker amqp://user:password@localhost:5672
              workinit dead-letters serve --broker amqps://jane:secret@rabbit.example.com/orders --management https://rabbit.example.com
            """)
        { broker, management, catalogue, port, signIn, noBrowser, common.By };
        command.SetAction(common.Run(
            (context, parsed, cancellationToken) => ServeAsync(context, new Request(parsed.GetValue(catalogue), parsed.GetValue(port), parsed.GetValue(signIn), parsed.GetValue(noBrowser)), cancellationToken),
            parsed => new BrokerAddress(parsed.GetValue(broker), parsed.GetValue(management)), needsBroker: true));
        return command;
    }

    private sealed record Request(string? Catalogue, int Port, bool SignsIn, bool NoBrowser);

    // The other commands do not load ASP.NET Core: only the methods from here on name its types and those of the server.
    private static async Task<int> ServeAsync(CommandContext context, Request request, CancellationToken cancellationToken)
    {
        var catalogue = CatalogueFile.Read(request.Catalogue, context);
        await CheckAsync(context, cancellationToken);
        await Terminal.ErrorAsync($"Catalogue and audit log: {catalogue.Place}");
        var isFirst = true;
        try
        {
            await LocalServer.RunAsync(
                new LocalServerOptions
                {
                    Broker = context.Options,
                    Advisor = context.Advisor,
                    Catalogue = new CatalogueOptions { Database = catalogue.Database, Source = CommandContext.Setting("Catalogue__Source") },
                    AuditFile = catalogue.AuditFile,
                    SignsIn = request.SignsIn,
                    Port = request.Port,
                    By = context.By,
                    ShowLink = ShowAsync,
                    WriteLog = line => CommandHost.Current.Error.WriteLine(Terminal.Clean(line)),
                },
                cancellationToken);
        }
        catch (PortTakenException e)
        {
            throw new WrongUsageException($"{e.Message} by another process, perhaps another workinit dead-letters serve. Select another port with --port, or a free one with --port 0");
        }
        catch (DbException e)
        {
            await Terminal.ErrorAsync($"The database of the catalogue can't be used: {e.Message.ReplaceLineEndings(" ")}. Check that it runs ({CommandAudit.Setting}), or select a file with --catalogue");
            return ExitCode.Incomplete;
        }
        await Terminal.ErrorAsync("Stopped.");
        return ExitCode.Done;

        async Task ShowAsync(Uri link)
        {
            CommandContext.Print(request.SignsIn ? $"Open this address and sign in with a RabbitMQ user. It shows the dead letters of {Where(context.Options)}. Ctrl-C stops the server."
                : isFirst ? $"Open this link to see the dead letters of {Where(context.Options)}. It works once. Ctrl-C stops the server."
                : "A browser without access asked for a page. If it is yours, open this link in it:");
            CommandContext.Print($"  {link}");
            if (isFirst && !request.NoBrowser && CommandHost.Current.IsInteractive && !Browser.TryOpen(link))
                await Terminal.ErrorAsync("No browser could be opened here: open the link yourself.");
            isFirst = false;
        }
    }

    /// <exception cref="DeadLetterException">The broker or its management API is unreachable, or refuses the user.</exception>
    private static async Task CheckAsync(CommandContext context, CancellationToken cancellationToken)
    {
        await using (var connection = await context.Options.ConnectAsync("workinit", cancellationToken))
            await OpenAsync(connection, context.Options.VirtualHost, cancellationToken);
        try
        {
            await context.Broker.FindQueuesAsync(cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Unreachable)
        {
            throw new DeadLetterException(e.Problem, $"{e.Message}. The option --management sets another address", e);
        }
    }

    // RabbitMQ reports a virtual host that is missing or not allowed after the connection is open.
    private static async Task OpenAsync(IConnection connection, string virtualHost, CancellationToken cancellationToken)
    {
        try
        {
            await connection.OnOwnChannelAsync(virtualHost, channel => Task.FromResult(channel.IsOpen), cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Forbidden)
        {
            throw new DeadLetterException(DeadLetterProblem.Unreachable, $"{e.Message}. Check the virtual host {virtualHost}, and that the user has permissions on it", e);
        }
    }

    private static string Where(DeadLetterOptions broker) => string.Create(CultureInfo.InvariantCulture, $"{broker.Endpoints[0].HostName}:{broker.Endpoints[0].Port} (virtual host {broker.VirtualHost})");
}
