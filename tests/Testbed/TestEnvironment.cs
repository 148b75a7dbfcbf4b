using WorkinIt.Dev;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Testbed;

/// <summary>
/// What the tests run on: environment variables that ./test sets. A test program that runs without ./test, for example in an IDE or with
/// <c>dotnet test</c>, publishes the services and starts its own broker and mail catcher when the first test needs them, and stops them at its end.
/// </summary>
internal static class TestEnvironment
{
    private static readonly bool _isAlone = Environment.GetEnvironmentVariable("WORKINIT_TEST_AMQP") is null;
    private static readonly Lazy<TestServers> _own = new(Start);

    /// <summary>Returns the value of a variable.</summary>
    /// <exception cref="InvalidOperationException">./test or another program has set some variables, but not this one.</exception>
    public static string Get(string variable)
    {
        if (_isAlone)
            _ = _own.Value;
        return Environment.GetEnvironmentVariable(variable)
            ?? throw new InvalidOperationException($"{variable} is not set: run these tests with ./test, which starts what they need");
    }

    // Blocks, because the variables are read in constructors too. The first test that needs a broker waits for it anyway.
    private static TestServers Start() => Task.Run(StartAsync).GetAwaiter().GetResult();

    private static async Task<TestServers> StartAsync()
    {
        var state = Path.Combine(Repository.Root, ".test", "alone", AppDomain.CurrentDomain.FriendlyName);
        Directory.CreateDirectory(Path.Combine(state, "logs"));
        var only = FileLock.TryTake(Path.Combine(state, "lock"))
            ?? throw new InvalidOperationException($"Another run of these tests uses {state}. Wait for it, or stop it first.");
        var run = new TestRun(state, CancellationToken.None);
        var servers = new TestServers(run, null);
        await servers.StopAsync(); // what a run that was killed has left
        var shared = new TestRun(Path.Combine(Repository.Root, ".test"), CancellationToken.None); // published once for all test programs
        Directory.CreateDirectory(Path.Combine(shared.State, "logs"));
        if (!await TestBuild.PublishAsync(shared))
            throw new InvalidOperationException($"The services could not be published: see {shared.LogOf("publish")}");
        Environment.SetEnvironmentVariable("WORKINIT_TEST_CHROMIUM", TestTools.Chromium);
        await Task.WhenAll(servers.StartBrokerAsync(), servers.StartCatcherAsync());
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            servers.StopAsync().GetAwaiter().GetResult();
            only.Dispose();
        };
        return servers;
    }
}
