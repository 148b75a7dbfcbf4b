using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Brokers;

/// <summary>dev/broker.</summary>
internal static class BrokerCommand
{
    private const string Usage = """
        A private RabbitMQ node, with all its files in one folder. It does not affect other nodes on the machine.

          dev/broker start DIR                   from the system's package rabbitmq-server
          dev/broker start DIR --docker IMAGE    in a container
          dev/broker stop DIR                    orderly stop; queues and messages are kept for the next start
          dev/broker kill DIR                    kill -9, for the tests
          dev/broker freeze DIR                  stops answering, and keeps its connections (SIGSTOP)
          dev/broker thaw DIR                    resumes after freeze
          dev/broker alarm DIR                   raises a memory alarm: the broker accepts no messages
          dev/broker relieve DIR                 ends the memory alarm
          dev/broker disk-alarm DIR              raises a disk alarm: the broker accepts no messages
          dev/broker disk-relieve DIR            ends the disk alarm
          dev/broker hurry DIR                   sets a consumer_timeout of 3 s, checked every second, until the next start
          dev/broker repeat-soon DIR             a queue declared from now on repeats an unconfirmed dead-lettering after 1 s, until the next start
          dev/broker remove DIR                  stop it and delete DIR

        Ports: WORKINIT_AMQP_PORT and WORKINIT_MANAGEMENT_PORT, else those of DIR's last start, else 5672 and 15672.
        DIR/broker.pid holds the process id. The users are those of definitions.json, each with its name as password. There is no user guest.
        """;

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--help" or "-h", ..])
            return Verbs.Help(Usage);
        Func<Broker, Task>? act = arguments switch
        {
            [_, "", ..] => null,
            ["start", _] => broker => StartAsync(broker, null),
            ["start", _, "--docker", { Length: > 0 } image] => broker => StartAsync(broker, image),
            ["stop", _] => broker => broker.StopAsync(),
            ["kill", _] => broker => broker.KillAsync(),
            ["freeze", _] => broker => broker.FreezeAsync(),
            ["thaw", _] => broker => broker.ThawAsync(),
            ["alarm", _] => broker => broker.SetAlarmAsync(true),
            ["relieve", _] => broker => broker.SetAlarmAsync(false),
            ["disk-alarm", _] => broker => broker.SetDiskAlarmAsync(true),
            ["disk-relieve", _] => broker => broker.SetDiskAlarmAsync(false),
            ["hurry", _] => broker => broker.HurryAsync(),
            ["repeat-soon", _] => broker => broker.RepeatDeadLetteringSoonAsync(),
            ["remove", _] => broker => broker.RemoveAsync(),
            _ => null,
        };
        if (act is null)
            return Verbs.WrongUsage(Usage);
        await act(new Broker(arguments[1]));
        return 0;
    }

    private static Task StartAsync(Broker broker, string? image) =>
        broker.StartAsync(Settings.Port("WORKINIT_AMQP_PORT"), Settings.Port("WORKINIT_MANAGEMENT_PORT"), image);
}
