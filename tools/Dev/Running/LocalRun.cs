using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Mail;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Running;

/// <summary>./run --local: the services as processes, on a private RabbitMQ and a mail catcher.</summary>
/// <param name="folder">The folder for the state of ./run.</param>
/// <param name="ports">The ports.</param>
internal sealed class LocalRun(string folder, RunPorts ports) : IRun
{
    private readonly Broker _broker = new(Path.Combine(folder, "broker"));
    private readonly MailCatcher _catcher = new(Path.Combine(folder, "catcher"));
    private readonly LocalService _web = new("Web", folder);
    private readonly LocalService _consumers = new("Consumers", folder);
    private readonly LocalSettings _settings = new(folder, ports);
    private readonly Preparation _preparation = new(folder, new LocalSettings(folder, ports));
    private readonly Companion[] _companions =
    [
        new("The broker", $"dev/broker start {folder}/broker", new PidFile(Path.Combine(folder, "broker", "broker.pid"))),
        new("The catcher", $"dev/mail/catcher start {folder}/catcher", new PidFile(Path.Combine(folder, "catcher", "catcher.pid"))),
    ];

    private readonly RunBuild _build = new(folder);
    private Task _laterBuilds = Task.CompletedTask;

    /// <inheritdoc/>
    public string Kind => "local";

    /// <inheritdoc/>
    public string Logs => $"{folder}/logs/*.log";

    /// <inheritdoc/>
    public async Task PrepareAsync()
    {
        await EndLeftoversAsync();
        ports.RefuseTaken();
    }

    /// <summary>Stops what a killed ./run from this folder left behind. Holding the lock proves that the run is over.</summary>
    public Task EndLeftoversAsync() => Task.WhenAll(_web.EndLeftoverAsync(), _consumers.EndLeftoverAsync(), _catcher.StopAsync(keepMails: true), _broker.StopAsync());

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellation)
    {
        Output.Say("Starting the broker and the mail catcher, building the services …");
        LinkLogs();
        // Each part waits only for those that it needs.
        var (built, brokerIsUp, migrated, deployed) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await Progress.TogetherAsync(
            cancellation,
            Step("starting the broker", token => _broker.StartAsync(ports.Amqp, ports.Management, cancellation: token), brokerIsUp),
            Step("starting the mail catcher", token => Task.WhenAll(NodePackages.RequireNodeAsync(), _catcher.StartAsync(ports.Smtp, ports.Mail, keepMails: true, token))),
            Step("building", _build.EnsureAsync, built),
            After([built], Step("migrating the databases", MigrateAsync, migrated)),
            After([built, brokerIsUp], Step("deploying the topology", DeployAsync, deployed)),
            After([built, brokerIsUp], async token =>
            {
                if (!_preparation.IsDone)
                    await Task.WhenAll(migrated.Task, deployed.Task).WaitAsync(token);
                await StartServicesAsync(token);
            }));
        _preparation.Remember();
        _laterBuilds = BuildLaterAsync(cancellation);
    }

    /// <inheritdoc/>
    // The broker and the catcher may be stopped and started by hand, to watch the effect.
    public Task<bool> IsThereAsync()
    {
        if (!_web.WarnIfEnded() || !_consumers.WarnIfEnded())
            return Task.FromResult(false);
        foreach (var companion in _companions)
            companion.ReportChange();
        return Task.FromResult(true);
    }

    /// <inheritdoc/>
    public async Task StopAsync()
    {
        await _laterBuilds;
        await _web.StopAsync(TimeSpan.FromSeconds(10));
        await _consumers.StopAsync(TimeSpan.FromSeconds(30), "Waiting for the mails in flight …");
        await Task.WhenAll(_catcher.StopAsync(keepMails: true), _broker.StopAsync());
        Output.Say($"Stopped. Messages in the queues and the mails stay in {folder} for the next start.");
    }

    private static Func<CancellationToken, Task> Step(string what, Func<CancellationToken, Task> work, TaskCompletionSource? done = null) => async token =>
    {
        await Progress.ShowAsync(what, work(token));
        done?.SetResult();
    };

    private static Func<CancellationToken, Task> After(IEnumerable<TaskCompletionSource> before, Func<CancellationToken, Task> work) => async token =>
    {
        await Task.WhenAll(before.Select(part => part.Task)).WaitAsync(token);
        await work(token);
    };

    private Task MigrateAsync(CancellationToken cancellation)
    {
        Output.Say("Deploying the topology, migrating the databases …");
        return Task.WhenAll(
            _web.RunOnceAsync("migrate-web", "--migrate", _settings.Submissions, cancellation),
            _consumers.RunOnceAsync("migrate-consumers", "--migrate", _settings.Deliveries, cancellation));
    }

    private Task DeployAsync(CancellationToken cancellation) => _consumers.RunOnceAsync("topology", "--deploy-topology", _settings.Topology, cancellation);

    // What the start does not need is built when everything runs. ./workinit comes first; it waits for its build, or builds itself.
    private async Task BuildLaterAsync(CancellationToken cancellation)
    {
        await TryToBuildAsync(OperatorCommand.BuildAsync(folder, cancellation), "./workinit can't be used");
        await TryToBuildAsync(_build.PrepareNextAsync(cancellation), "The next start will not be faster");
    }

    private static async Task TryToBuildAsync(Task build, string consequence)
    {
        try
        {
            await build;
        }
        catch (OperationCanceledException)
        {
            // The next start builds it.
        }
        catch (ToolException e)
        {
            Output.Warn($"{consequence}: {e.Message}");
        }
    }

    private void LinkLogs()
    {
        foreach (var name in new[] { "broker", "catcher" })
        {
            var link = Path.Combine(folder, "logs", $"{name}.log");
            File.Delete(link);
            File.CreateSymbolicLink(link, $"../{name}/{name}.log");
        }
    }

    private async Task StartServicesAsync(CancellationToken cancellation)
    {
        Output.Say("Starting Web and Consumers …");
        _web.Start(_settings.Web);
        _consumers.Start(_settings.Consumers);
        var isReady = await Wait.UntilAsync(
            TimeSpan.FromSeconds(60), async () => await ports.AreReadyAsync() || !_web.IsRunning || !_consumers.IsRunning, cancellation);
        if (!_web.WarnIfEnded() || !_consumers.WarnIfEnded())
            throw new ToolException($"WorkinIt did not start. See {Logs}");
        if (!isReady)
            throw new ToolException($"The services were not ready after 60 s. See {Logs}");
    }
}
