using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Running;

/// <summary>The ports of ./run.</summary>
internal sealed class RunPorts
{
    private readonly List<(string Variable, int Port)> _all = [];

    /// <summary>Reads the ports from the environment.</summary>
    /// <exception cref="ToolException">One of them is not a port number.</exception>
    public RunPorts()
    {
        Web = Read("WORKINIT_WEB_PORT", 8080);
        Consumers = Read("WORKINIT_CONSUMERS_PORT", 8081);
        Amqp = Read("WORKINIT_AMQP_PORT", 5672);
        Management = Read("WORKINIT_MANAGEMENT_PORT", 15672);
        Smtp = Read("WORKINIT_SMTP_PORT", 1025);
        Mail = Read("WORKINIT_MAIL_PORT", 1080);
    }

    /// <summary>Web.</summary>
    public int Web { get; }

    /// <summary>Consumers' health.</summary>
    public int Consumers { get; }

    /// <summary>RabbitMQ.</summary>
    public int Amqp { get; }

    /// <summary>RabbitMQ's management UI.</summary>
    public int Management { get; }

    /// <summary>The mail catcher, SMTP.</summary>
    public int Smtp { get; }

    /// <summary>The mail catcher's page.</summary>
    public int Mail { get; }

    /// <summary>Sets the variables that have a default, for compose.yaml.</summary>
    public void Export()
    {
        foreach (var (variable, port) in _all)
            Environment.SetEnvironmentVariable(variable, $"{port}");
    }

    /// <summary>Fails if a process listens on one of the ports.</summary>
    public void RefuseTaken()
    {
        foreach (var (variable, port) in _all)
            Ports.RefuseTaken("WorkinIt", port, variable);
    }

    /// <summary>Returns whether Web and Consumers report that they are ready.</summary>
    public async Task<bool> AreReadyAsync()
    {
        var answers = await Task.WhenAll(HttpProbe.AnswersOkAsync(Web, "/health/ready"), HttpProbe.AnswersOkAsync(Consumers, "/health/ready"));
        return answers.All(ready => ready);
    }

    private int Read(string variable, int otherwise)
    {
        var port = Settings.Port(variable) ?? otherwise;
        _all.Add((variable, port));
        return port;
    }
}
