using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Dev.Machine;
using WorkinIt.Gifs;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Consumers with one part replaced, as a separate process: <c>WorkinIt.Benchmarks host KIND</c>. Everything else, in particular the settings, is as
/// shipped.
/// </summary>
internal static partial class ConsumersHost
{
    /// <summary>The consumer does nothing: only MassTransit's work remains.</summary>
    public const string NoWork = "no-work";

    /// <summary>As <see cref="NoWork"/>, with reports about replayed messages.</summary>
    public const string Reporting = "reporting";

    /// <summary>Everything except the mail server.</summary>
    public const string NoMail = "no-mail";

    /// <summary>Small mails: the GIF is linked, as with Giphy.</summary>
    public const string SmallMail = "small-mail";

    /// <summary>Small mails, without the ledger.</summary>
    public const string SmallMailWithoutLedger = "small-mail-without-ledger";

    /// <summary>A GIF of 700 KB in each mail.</summary>
    public const string LargeMail = "large-mail";

    private const int LargeGif = 700_000;

    public static async Task<int> RunAsync(string kind)
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddServiceDefaults();
        builder.Services.AddGifs().AddMail();
        switch (kind)
        {
            case NoWork:
                AddReplacement<NoWorkConsumer>(builder.Services);
                break;
            case Reporting:
                AddReplacement<NoWorkConsumer>(builder.Services, rabbit => rabbit.UseReplayReports());
                break;
            case NoMail:
                AddShipped(builder.Services);
                builder.Services.AddSingleton<IMailSender, NoMailSender>();
                break;
            case SmallMail:
                AddShipped(builder.Services);
                builder.Services.AddSingleton<IGifFinder, LinkedGif>();
                break;
            case SmallMailWithoutLedger:
                builder.Services.AddGifMail();
                builder.Services.AddSingleton<IGifFinder, LinkedGif>();
                builder.Services.AddDeliveryLedger(); // the suppression list is in its database
                AddReplacement<WithoutLedgerConsumer>(builder.Services);
                break;
            case LargeMail:
                AddShipped(builder.Services);
                builder.Services.AddSingleton<IGifFinder, LargeGifFinder>();
                break;
            default:
                throw new ArgumentException($"Unknown host kind: {kind}", nameof(kind));
        }
        await using var app = builder.Build();
        app.MapHealth();
        app.MapGet("/allocated", () => GC.GetTotalAllocatedBytes(precise: true));
        await app.RunAsync();
        return 0;
    }

    /// <summary>How many bytes a host has allocated since its start.</summary>
    /// <param name="port">Where it listens.</param>
    public static async Task<double> AllocatedAsync(int port)
    {
        using var http = new HttpClient();
        return double.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/allocated"), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Starts a host of this kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="system">The system that it is part of.</param>
    /// <param name="smtpPort">The port of its mail server.</param>
    /// <param name="port">Where it listens; null: any free port.</param>
    public static OtherProgram Start(string kind, WorkinItSystem system, int smtpPort, int? port = null)
    {
        var settings = system.SettingsOf("consumers");
        settings["Smtp__Port"] = smtpPort.ToString(System.Globalization.CultureInfo.InvariantCulture);
        settings["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port ?? Ports.TakeFree()}";
        return OtherProgram.Start("dotnet", [Environment.GetCommandLineArgs()[0], "host", kind], settings);
    }

    private static void AddReplacement<T>(IServiceCollection services, Action<IRabbitMqBusFactoryConfigurator>? configure = null)
        where T : class, IConsumer
    {
        services.AddOptions<ConsumerOptions>().BindConfiguration("Consumer");
        services.AddRabbitMq();
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.AddConsumer<T>();
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.ConfigureBus(context);
                configure?.Invoke(rabbit);
                rabbit.ReceiveEndpoint(QueueTopology.InputQueue, endpoint => Configure<T>(endpoint, context));
            });
        });
    }

    private static void Configure<T>(IRabbitMqReceiveEndpointConfigurator endpoint, IBusRegistrationContext context)
        where T : class, IConsumer
    {
        var options = context.GetRequiredService<IOptions<ConsumerOptions>>().Value;
        QueueTopology.ConfigureInputQueue(endpoint);
        QueueTopology.ExpectDeployed(endpoint, context);
        endpoint.PrefetchCount = options.PrefetchCount;
        endpoint.ConcurrentMessageLimit = options.ConcurrentMessageLimit;
        endpoint.UseSubmissionScope(context.GetRequiredService<ILogger<T>>());
        endpoint.ConfigureConsumer<T>(context);
    }

    // As in Consumers' Program.cs.
    private static void AddShipped(IServiceCollection services)
    {
        services.AddGifEmails();
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.AddConsumer<SendGifEmailConsumer, SendGifEmailConsumerDefinition>();
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.ConfigureBus(context);
                rabbit.ReceiveGifEmails(context);
            });
        });
    }

    private sealed class NoWorkConsumer : IConsumer<SendGifEmail>
    {
        public Task Consume(ConsumeContext<SendGifEmail> context) => Task.CompletedTask;
    }

    // SendGifEmailConsumer without the ledger.
    private sealed partial class WithoutLedgerConsumer(
        IGifFinder gifs, GifMail gifMail, IMailSender sender, OptOutTokens names, SuppressionList optOuts, ILogger<WithoutLedgerConsumer> log) : IConsumer<SendGifEmail>
    {
        public async Task Consume(ConsumeContext<SendGifEmail> context)
        {
            if (optOuts.Contains(names.NameOf(context.Message.EmailAddress)))
                return;
            var gif = await gifs.FindAsync(context.Message.Thought, context.CancellationToken);
            using var mail = gifMail.Compose(context.Message, gif);
            await using var connection = await sender.ConnectAsync(mail.To.Mailboxes.Single(), CancellationToken.None);
            var reply = await connection.SendAsync(mail);
            LogSent(log, context.Message.SubmissionId, reply);
            await context.Publish(new GifEmailSent(context.Message.SubmissionId, 1, DateTimeOffset.UtcNow, gif.Reference));
        }

        [LoggerMessage(Level = LogLevel.Information, Message = "Sent {SubmissionId}: {Reply}")]
        private static partial void LogSent(ILogger log, Guid submissionId, string reply);
    }

    private sealed class NoMailSender : IMailSender, IMailConnection
    {
        public Task<IMailConnection> ConnectAsync(MailboxAddress recipient, CancellationToken stopping) => Task.FromResult<IMailConnection>(this);

        public Task<string> SendAsync(MimeMessage mail) => Task.FromResult("250 2.0.0 Ok");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class LinkedGif : IGifFinder
    {
        private readonly Gif _gif = new GiphyGif(new Uri("https://media.giphy.example/media/abcdefgh/giphy.gif"), "A cat that waits for the post");

        public Task<Gif> FindAsync(string thought, CancellationToken cancellationToken) => Task.FromResult(_gif);
    }

    private sealed class LargeGifFinder : IGifFinder
    {
        private readonly Gif _gif;

        public LargeGifFinder()
        {
            // The content is irrelevant: it is never displayed, and base64 takes the same time for any bytes.
            _gif = new CollectionGif("large", "Something large", Enumerable.Range(0, LargeGif).Select(number => (byte)(number * 31 / 7)).ToArray());
        }

        public Task<Gif> FindAsync(string thought, CancellationToken cancellationToken) => Task.FromResult(_gif);
    }
}
