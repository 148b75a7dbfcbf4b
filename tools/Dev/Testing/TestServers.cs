using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Clusters;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Mail;

namespace WorkinIt.Dev.Testing;

/// <summary>The broker and the mail catcher of the tests. Environment variables name them for the test programs.</summary>
/// <param name="run">The run.</param>
/// <param name="image">The image of a container; null uses the system's package.</param>
internal sealed class TestServers(TestRun run, string? image)
{
    private string BrokerFolder => Path.Combine(run.State, "broker");

    private string OwnBrokerFolder => Path.Combine(run.State, "own-broker");

    private string ClusterFolder => Path.Combine(run.State, "cluster");

    private string CatcherFolder => Path.Combine(run.State, "catcher");

    /// <summary>Starts a new broker, and removes what a run that was killed has left.</summary>
    public async Task StartBrokerAsync()
    {
        if (image is not null && !await DockerEngine.AnswersAsync())
            throw new ToolException("--rabbitmq needs a Docker engine, and none answers. Start Docker, or set DOCKER_HOST.");
        await RemoveBrokersAsync();
        TestRun.Heading(image is null ? "a broker" : $"a broker, {image} in a container");
        var (amqp, management) = (Ports.TakeFree(), Ports.TakeFree());
        await new Broker(BrokerFolder).StartAsync(amqp, management, image, run.Cancellation);
        Set("WORKINIT_TEST_BROKER", Path.Combine(Repository.Dev, "broker"));
        Set("WORKINIT_TEST_BROKER_DIR", BrokerFolder);
        Set("WORKINIT_TEST_AMQP", $"amqp://operator:operator@127.0.0.1:{amqp}");
        Set("WORKINIT_TEST_MANAGEMENT", $"http://127.0.0.1:{management}");
        // Tests that break a cluster or stop the only broker start their own.
        Set("WORKINIT_TEST_CLUSTER", Path.Combine(Repository.Dev, "cluster"));
        Set("WORKINIT_TEST_CLUSTER_DIR", ClusterFolder);
        Set("WORKINIT_TEST_OWN_BROKER_DIR", OwnBrokerFolder);
        Set("WORKINIT_TEST_IMAGE", image);
    }

    /// <summary>Starts a mail catcher.</summary>
    public async Task StartCatcherAsync()
    {
        TestRun.Heading("a mail catcher");
        var (smtp, page) = (Ports.TakeFree(), Ports.TakeFree());
        await new MailCatcher(CatcherFolder).StartAsync(smtp, page, cancellation: run.Cancellation);
        Set("WORKINIT_TEST_CATCHER", Path.Combine(Repository.Dev, "mail", "catcher"));
        Set("WORKINIT_TEST_CATCHER_DIR", CatcherFolder);
        Set("WORKINIT_TEST_SMTP_PORT", $"{smtp}");
        Set("WORKINIT_TEST_MAIL", $"http://127.0.0.1:{page}");
    }

    /// <summary>Stops everything, and keeps the broker's log. What can't be stopped does not keep the others running.</summary>
    public async Task StopAsync()
    {
        await TryAsync(() => new MailCatcher(CatcherFolder).StopAsync());
        var log = Path.Combine(BrokerFolder, "broker.log");
        if (File.Exists(log))
            File.Copy(log, run.LogOf("broker"), overwrite: true);
        await TryAsync(new Broker(BrokerFolder).RemoveAsync);
        await TryAsync(new Cluster(ClusterFolder).RemoveAsync);
        await TryAsync(new Broker(OwnBrokerFolder).RemoveAsync);
    }

    private static async Task TryAsync(Func<Task> stop)
    {
        try
        {
            await stop();
        }
        catch (Exception e) when (e is ToolException or IOException or UnauthorizedAccessException)
        {
            Output.Warn(e.Message);
        }
    }

    private async Task RemoveBrokersAsync()
    {
        await new Broker(BrokerFolder).RemoveAsync();
        await new Cluster(ClusterFolder).RemoveAsync();
        await new Broker(OwnBrokerFolder).RemoveAsync();
    }

    private static void Set(string variable, string? value) => Environment.SetEnvironmentVariable(variable, value);
}
