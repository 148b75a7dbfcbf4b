using MassTransit;
using MassTransit.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MimeKit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.GifEmails;

/// <summary>The consumer with its definition and a real ledger, on MassTransit's in-memory harness. A delegate replaces the mail server.</summary>
internal sealed class ConsumerHost : IMailSender, IGifFinder, IHostApplicationLifetime, IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-consumer-").FullName;
    private readonly Database _database;
    private readonly ServiceProvider _provider;
    private int _sends;

    private ConsumerHost(int retryLimit)
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out _database!, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(_database, typeof(CreateDeliveries).Assembly);
        var retryInterval = TimeSpan.FromMilliseconds(1);
        _provider = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IGifFinder>(this)
            .AddSingleton<IMailSender>(this)
            .AddSingleton<IHostApplicationLifetime>(this)
            .AddSingleton(_ => new DeliveryLedger(_database, new GroupCommit(_database), TimeProvider.System))
            .AddSingleton(Options.Create(new OptOutOptions { Secret = WorkinItSystem.OptOutSecret }))
            .AddSingleton(Options.Create(new OptOutLinkOptions { Url = "https://gifs.example.com" }))
            .AddSingleton<OptOutTokens>().AddSingleton<OptOutLinks>()
            .AddSingleton(_ => new SuppressionList(_database, TimeProvider.System))
            .AddSingleton(Options.Create(new SmtpOptions { Host = "mail.example", From = "gifs@workinit.example" }))
            .AddSingleton(Options.Create(new RetryOptions { Limit = retryLimit, MinInterval = retryInterval, MaxInterval = retryInterval, IntervalDelta = retryInterval }))
            .AddSingleton(Options.Create(new WorkinIt.Consumers.GifEmails.RedeliveryOptions()))
            .AddSingleton<GifMail>().AddSingleton<GifEmailDelivery>().AddSingleton<OutcomePublisher>().AddSingleton<RetryPolicy>()
            .AddSingleton<ILedgerMarkCopy, MarkCopy>().AddSingleton<LedgerGuard>().AddSingleton<LedgerFilter>()
            .AddSingleton<StopFilter>().AddSingleton<QuarantineFilter>().AddSingleton<RedeliveryFilter>()
            .AddMassTransitTestHarness(bus =>
            {
                bus.SetTestTimeouts(testInactivityTimeout: TimeSpan.FromSeconds(5)); // after the default of 1.2 s, the harness would give up during a slow commit
                bus.AddConsumer<SendGifEmailConsumer, SendGifEmailConsumerDefinition>();
                bus.UsingInMemory((context, memory) =>
                {
                    memory.ConfigurePublish(publish => publish.UseExecute(publishing => Publishing(publishing)));
                    memory.ConfigureEndpoints(context);
                });
            })
            .BuildServiceProvider(validateScopes: true);
        Harness = _provider.GetRequiredService<ITestHarness>();
    }

    public ITestHarness Harness { get; }

    /// <summary>The mail server's reply to a try, given the number of the try, from 1.</summary>
    public Func<int, Task<string>> Server { get; set; } = _ => Task.FromResult("250 ok");

    /// <summary>Runs before each publish. An exception that it throws simulates a failure of the broker.</summary>
    public Action<PublishContext> Publishing { get; set; } = _ => { };

    /// <summary>Returns the GIF for a thought.</summary>
    public Func<string, Gif> Gifs { get; set; } = new BuiltInGifs().Choose;

    public int Sends => _sends;

    public DeliveryLedger Ledger => _provider.GetRequiredService<DeliveryLedger>();

    public OptOutTokens OptOutTokens => _provider.GetRequiredService<OptOutTokens>();

    public SuppressionList OptOuts => _provider.GetRequiredService<SuppressionList>();

    public Database Database => _database;

    public CancellationToken ApplicationStarted => CancellationToken.None;

    public CancellationToken ApplicationStopping => _stopping.Token;

    public CancellationToken ApplicationStopped => CancellationToken.None;

    public static async Task<ConsumerHost> StartAsync(int retryLimit = 3)
    {
        var host = new ConsumerHost(retryLimit);
        await host._provider.GetRequiredService<LedgerGuard>().StartAsync(CancellationToken.None);
        await host.Harness.Start();
        return host;
    }

    public async Task<SendGifEmail> PublishAsync(string address = "jane@example.com", string? header = null, object? value = null)
    {
        var command = new SendGifEmail(Guid.CreateVersion7(), address, "hello", DateTimeOffset.UtcNow);
        await Harness.Bus.Publish(command, context =>
        {
            context.MessageId = command.SubmissionId;
            if (header is not null)
                context.Headers.Set(header, value);
        });
        return command;
    }

    /// <summary>The first published message of a type.</summary>
    public async Task<T> PublishedAsync<T>()
        where T : class
    {
        await foreach (var published in Harness.Published.SelectAsync<T>())
            return published.Context.Message;
        throw new InvalidOperationException($"No {typeof(T).Name} was published");
    }

    public Task<IMailConnection> ConnectAsync(MailboxAddress recipient, CancellationToken stopping) => Task.FromResult<IMailConnection>(new Connection(this));

    public Task<Gif> FindAsync(string thought, CancellationToken cancellationToken) => Task.FromResult(Gifs(thought));

    public void StopApplication() => _stopping.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _provider.GetRequiredService<LedgerGuard>().StopAsync(CancellationToken.None);
        await _provider.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
        _stopping.Dispose();
    }

    private sealed class Connection(ConsumerHost host) : IMailConnection
    {
        public Task<string> SendAsync(MimeMessage mail) => host.Server(Interlocked.Increment(ref host._sends));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
