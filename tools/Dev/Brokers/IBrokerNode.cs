using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Brokers;

/// <summary>A RabbitMQ node: a process on this machine, or a container.</summary>
internal interface IBrokerNode
{
    /// <summary>Returns whether the node runs and was started from its folder. A copied folder has the name and the process id of the original's node.</summary>
    Task<bool> IsUpAsync();

    /// <summary>Returns whether the node is that of this folder, or of none.</summary>
    Task<bool> IsOursAsync();

    /// <summary>The port of the AMQP listener as the node itself knows it.</summary>
    int Listener(int port);

    /// <summary>Starts the node without waiting until it responds.</summary>
    Task StartAsync(int amqp, int management, CancellationToken cancellation);

    /// <summary>Stops the node in order; queues and messages are kept.</summary>
    Task StopAsync();

    /// <summary>Sends a signal to the node: SIGKILL, SIGSTOP or SIGCONT.</summary>
    Task SendAsync(Signal signal);

    /// <summary>Runs rabbitmqctl.</summary>
    Task<CommandOutput> ControlAsync(params IEnumerable<string> arguments);

    /// <summary>Writes the complete output of the node to the folder's broker.log.</summary>
    Task CollectLogAsync();

    /// <summary>Removes what the node left outside its folder.</summary>
    Task RemoveAsync();
}
