using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Brokers;

/// <summary>
/// A private RabbitMQ node, with all its files in one folder. It does not affect other nodes on the machine. Its users are those of
/// dev/definitions.json, each with its name as password.
/// </summary>
internal sealed class Broker
{
    private readonly BrokerFolder _folder;
    private IBrokerNode _node;

    /// <summary>Creates the object for a folder, which may not exist yet.</summary>
    public Broker(string folder)
    {
        _folder = new BrokerFolder(Folders.Canonical(folder));
        _node = NodeOf(_folder.Image);
    }

    /// <summary>The folder.</summary>
    public string Folder => _folder.Path;

    /// <summary>Starts the broker and waits until it responds. Does nothing if it runs.</summary>
    /// <param name="amqp">The port for AMQP; null uses that of the last start, else 5672.</param>
    /// <param name="management">The port for the management API; null uses that of the last start, else 15672.</param>
    /// <param name="image">The image of a container; null uses that of the last start, else the system's package.</param>
    /// <param name="cancellation">Cancels the wait; the broker may continue to start.</param>
    /// <exception cref="ToolException">It did not start.</exception>
    public async Task StartAsync(int? amqp = null, int? management = null, string? image = null, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Folder);
        image ??= _folder.Image;
        var (amqpPort, managementPort) = (amqp ?? _folder.Port("amqp.port") ?? 5672, management ?? _folder.Port("management.port") ?? 15672);
        if (_folder.Image.Length > 0 && !await _node.IsOursAsync())
        {
            File.Delete(_folder.File("name")); // a copied folder gets a new container
            File.Delete(_folder.File("image"));
        }
        if (_folder.Name.Length == 0)
            _folder.Write("name", BrokerFolder.NewName());
        if (await NodeOf(_folder.Image).IsUpAsync())
        {
            Output.Say($"The broker in {Folder} is running already.");
            return;
        }
        Ports.RefuseTaken("the broker", amqpPort, "WORKINIT_AMQP_PORT");
        Ports.RefuseTaken("the broker", managementPort, "WORKINIT_MANAGEMENT_PORT");
        _folder.Write("amqp.port", amqpPort);
        _folder.Write("management.port", managementPort);
        _node = NodeOf(image);
        await _node.StartAsync(amqpPort, managementPort, cancellation);
        await AwaitReadyAsync(amqpPort, managementPort, cancellation);
    }

    /// <summary>Stops the broker in order; queues and messages are kept for the next start.</summary>
    public async Task StopAsync()
    {
        if (!await _node.IsUpAsync())
            return;
        await _node.StopAsync();
        _folder.Pid.Forget();
    }

    /// <summary>Kills the broker with SIGKILL.</summary>
    /// <exception cref="ToolException">It does not run.</exception>
    public async Task KillAsync()
    {
        await RequireUpAsync();
        await _node.SendAsync(Signal.Kill);
        _folder.Pid.Forget();
    }

    /// <summary>Freezes the broker: it stops answering, and keeps its connections.</summary>
    /// <exception cref="ToolException">It does not run.</exception>
    public async Task FreezeAsync()
    {
        await RequireUpAsync();
        await _node.SendAsync(Signal.Stop);
    }

    /// <summary>Resumes a frozen broker.</summary>
    public async Task ThawAsync()
    {
        if (await _node.IsUpAsync())
            await _node.SendAsync(Signal.Continue);
    }

    /// <summary>Raises or ends a memory alarm, during which the broker accepts no messages: a very low memory limit raises it at once.</summary>
    public Task SetAlarmAsync(bool on) => ControlAsync("set_vm_memory_high_watermark", on ? "0.00001" : "0.4");

    /// <summary>Raises or ends a disk alarm, with the same effect: the broker then requires more free disk space than any machine has.</summary>
    public Task SetDiskAlarmAsync(bool on) => on
        ? ControlAsync("set_disk_free_limit", "1000000GB")
        : ControlAsync("eval", "{ok, Limit} = application:get_env(rabbit, disk_free_limit), rabbit_disk_monitor:set_disk_free_limit(Limit)."); // the configured limit

    /// <summary>Sets a consumer_timeout of 3 s, checked every second, until the next start.</summary>
    public Task HurryAsync() =>
        ControlAsync("eval", "application:set_env(rabbit, consumer_timeout, 3000), application:set_env(rabbit, channel_tick_interval, 1000).");

    /// <summary>
    /// Until the next start, a queue that is declared from now on repeats a dead-lettering that no queue has confirmed after 1 s instead of 3 min.
    /// This applies to quorum queues with the strategy at-least-once.
    /// </summary>
    public Task RepeatDeadLetteringSoonAsync() =>
        ControlAsync("eval", "application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, 1000).");

    /// <summary>Suspends the process of a quorum queue for a time: the queue answers nobody until then.</summary>
    public Task SuspendQueueAsync(string virtualHost, string queue, TimeSpan time) => ControlAsync("eval",
        $$"""
        {ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{{virtualHost}}">>, queue, <<"{{queue}}">>)), {Name, _} = amqqueue:get_pid(Q), P = whereis(Name),
        ok = sys:suspend(P), spawn(fun() -> timer:sleep({{(int)time.TotalMilliseconds}}), sys:resume(P) end), ok.
        """);

    /// <summary>Enables the plugin rabbitmq_prometheus, which serves metrics on a port of 127.0.0.1.</summary>
    public Task EnablePrometheusAsync(int port) => EnableAsync("rabbitmq_prometheus",
        $$"""application:load(rabbitmq_prometheus), application:set_env(rabbitmq_prometheus, tcp_config, [{port, {{port}}}, {ip, "127.0.0.1"}]),""");

    /// <summary>Enables the plugin rabbitmq_amqp1_0, without which RabbitMQ 3 does not accept AMQP 1.0 clients.</summary>
    public Task EnableAmqp10Async() => EnableAsync("rabbitmq_amqp1_0", "");

    // Under a lock: of two at once, the second would disable the plugin of the first.
    private Task EnableAsync(string plugin, string before) => ControlAsync("eval",
        $$"""
        global:trans({enabled_plugins, self()}, fun() ->
        {{before}}
        {ok, File} = application:get_env(rabbit, enabled_plugins_file), {ok, [Plugins]} = file:consult(File),
        ok = file:write_file(File, io_lib:format("~p.", [lists:usort([{{plugin}} | Plugins])])), {ok, _, _} = rabbit_plugins:ensure(File) end).
        """);

    /// <summary>Stops the broker without order, because its data goes too, and deletes the folder. A folder that was never a broker's is not deleted.</summary>
    public async Task RemoveAsync()
    {
        await ThawAsync();
        if (await _node.IsUpAsync())
            await KillAsync();
        await _node.RemoveAsync();
        if (File.Exists(_folder.File("name")))
            Directory.Delete(Folder, recursive: true);
    }

    private IBrokerNode NodeOf(string image) => image.Length > 0 ? new NodeContainer(_folder, image) : new NodeProcess(_folder);

    // Asks as a user from the definitions, so that they are loaded, and for the listener that starts last.
    private async Task AwaitReadyAsync(int amqp, int management, CancellationToken cancellation)
    {
        var isReady = false;
        await Wait.UntilAsync(
            TimeSpan.FromSeconds(90),
            async () => (isReady = await HttpProbe.AnswersOkAsync(management, $"/api/health/checks/port-listener/{_node.Listener(amqp)}", "operator")) || !await _node.IsUpAsync(),
            cancellation);
        if (isReady)
            return;
        var exited = !await _node.IsUpAsync();
        var reason = exited ? "exited during startup" : $"did not answer on ports {amqp} and {management} within 90 s";
        Output.Warn($"The broker {reason}. The last lines of {_folder.Log}:");
        await _node.CollectLogAsync();
        Output.WarnTail(_folder.Log);
        await StopAsync();
        throw new ToolException($"The broker in {Folder} did not start: it {reason}.");
    }

    private async Task ControlAsync(params string[] arguments)
    {
        await RequireUpAsync();
        var result = await _node.ControlAsync(arguments);
        if (!result.Succeeded)
            throw new ToolException($"rabbitmqctl {arguments[0]} failed: {result.Output}{result.Errors}");
    }

    private async Task RequireUpAsync()
    {
        if (!await _node.IsUpAsync())
            throw new ToolException($"No broker is running in {Folder}.");
    }
}
