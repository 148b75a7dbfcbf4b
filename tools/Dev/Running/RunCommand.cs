using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Running;

/// <summary>./run.</summary>
internal static class RunCommand
{
    private const string Usage = """
        Starts WorkinIt and everything it needs, and stays in the foreground. Ctrl-C stops only what this command started.

          ./run             with Docker if an engine answers, otherwise with --local
          ./run --docker    in containers, with compose.yaml
          ./run --local     on this machine, with a private RabbitMQ and a mail catcher for this folder

        Ports: WORKINIT_WEB_PORT (8080), WORKINIT_CONSUMERS_PORT (8081), WORKINIT_AMQP_PORT (5672), WORKINIT_MANAGEMENT_PORT (15672),
        WORKINIT_SMTP_PORT (1025), WORKINIT_MAIL_PORT (1080). State and logs: WORKINIT_RUN_DIR (.run).
        Settings of the services are passed on (with Docker, those that compose.yaml names). Example: Smtp__SimulatedDelay=00:00:05 ./run
        """;

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        switch (arguments)
        {
            case ["--help" or "-h"]:
                return Verbs.Help(Usage);
            case [] or ["--docker"] or ["--local"]:
                var ports = new RunPorts();
                ports.Export();
                var compose = await FindComposeAsync(arguments is [var kind] ? kind : null);
                var folder = RunFolder();
                return await RunAsync(compose is null ? new LocalRun(folder, ports) : new DockerRun(folder, ports, compose), folder, ports);
            default:
                return Verbs.WrongUsage(Usage);
        }
    }

    /// <summary>Returns the folder for the state of ./run.</summary>
    public static string RunFolder() => Folders.Canonical(Settings.Get("WORKINIT_RUN_DIR", Path.Combine(Repository.Root, ".run")));

    private static async Task<IReadOnlyList<string>?> FindComposeAsync(string? kind)
    {
        if (kind == "--local")
            return null;
        if (!await DockerEngine.AnswersAsync())
            return kind is null ? null : throw new ToolException("No Docker engine answers. Start Docker, or use ./run --local.");
        var compose = await DockerEngine.ComposeAsync();
        return compose is null && kind is not null
            ? throw new ToolException("Docker Compose is missing. Install it (Debian, Ubuntu: docker-compose), or use ./run --local.")
            : compose;
    }

    private static async Task<int> RunAsync(IRun run, string folder, RunPorts ports)
    {
        using var interrupts = new Interrupts();
        Directory.CreateDirectory(Path.Combine(folder, "logs"));
        using var only = FileLock.TryTake(Path.Combine(folder, "lock"))
            ?? throw new ToolException($"WorkinIt is already running from {folder}. Stop it first, or set WORKINIT_RUN_DIR and other ports.");
        using var running = CancellationTokenSource.CreateLinkedTokenSource(interrupts.Token);
        var (started, announced) = (false, false);
        try
        {
            await run.PrepareAsync();
            started = true;
            await run.StartAsync(running.Token);
            Announce(run, ports);
            announced = true;
            while (await run.IsThereAsync())
                await Task.Delay(500, interrupts.Token);
            return 1;
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            return announced ? 0 : Interrupts.ExitCode;
        }
        catch (ToolException e)
        {
            Output.Warn(e.Message); // before the next line
            return e.ExitCode;
        }
        finally
        {
            if (started)
            {
                Output.Say("Stopping …");
                await running.CancelAsync();
                await run.StopAsync();
            }
        }
    }

    private static void Announce(IRun run, RunPorts ports) => Output.Say(
        $"""

        WorkinIt is running ({run.Kind}). Ctrl-C stops it.

          The form                  http://localhost:{ports.Web}
          The mails it sends        http://localhost:{ports.Mail}
          RabbitMQ, management UI   http://localhost:{ports.Management}    user operator, password operator
          Dead letters              http://localhost:{ports.Web}/dead-letters    the same user
          RabbitMQ, AMQP            amqp://operator:operator@localhost:{ports.Amqp}
          SMTP                      localhost:{ports.Smtp}    no password
          The API                   http://localhost:{ports.Web}/api-reference
          Health                    http://localhost:{ports.Web}/health/ready and http://localhost:{ports.Consumers}/health/ready
          Logs                      {run.Logs}

        """);
}
