using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>
/// Three nodes, replicated queues, one Web and two Consumers; each service is configured with all three nodes. Every accepted submission
/// is kept and mailed once, whichever node fails.
/// </summary>
public sealed class ClusterFaultTests(Cluster cluster, ReliabilityTable table) : IClassFixture<Cluster>
{
    private const string Input = "send-gif-email";

    // Longer than the 8 s after which the nodes consider a silent node down.
    private static readonly TimeSpan _cutDuration = TimeSpan.FromSeconds(Scale.IsLong ? 20 : 15);

    // Long enough that the load continues during the fault and the recovery.
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(Scale.IsLong ? 40 : 100);

    [Fact]
    public async Task All_mails_are_sent_once_when_the_node_that_leads_the_queue_is_killed()
    {
        await using var run = await StartAsync("kill -9 of the node that leads the queue");

        var leader = await LeaderAsync(run);
        await ConnectToAsync(leader, run);

        await BreakAsync(run, async () =>
        {
            await leader.KillAsync();
            (await LeaderAsync(run, butNot: leader)).ShouldNotBe(leader);
            await leader.StartAsync();
        });

        (await run.SettleAsync(ofCluster: true)).ShouldBeAllMailedOnce();
    }

    [Fact]
    [Trait(Scale.Form, Scale.LongOnly)]
    public async Task All_mails_are_sent_once_when_a_follower_node_of_the_queue_is_killed()
    {
        await using var run = await StartAsync("kill -9 of a node that follows");

        var leader = await LeaderAsync(run);
        var follower = cluster.Nodes.Nodes.First(node => node != leader);
        await ConnectToAsync(follower, run);

        await BreakAsync(run, async () =>
        {
            await follower.KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(5));
            (await LeaderAsync(run)).ShouldBe(leader);
            await follower.StartAsync();
        });

        (await run.SettleAsync(ofCluster: true)).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_the_node_that_leads_the_queue_is_cut_off_from_the_others()
    {
        await using var run = await StartAsync($"network cut for {_cutDuration.TotalSeconds:0} s between the node that leads the queue and the other two");

        var leader = await LeaderAsync(run);
        await ConnectToAsync(leader, run);

        await BreakAsync(run, async () =>
        {
            await cluster.Nodes.CutOffAsync(leader);
            try
            {
                await Task.Delay(_cutDuration);
                (await LeaderAsync(run, butNot: leader)).ShouldNotBe(leader);
            }
            finally
            {
                await cluster.Nodes.HealAsync();
            }
            await RestartIfItHangsAsync(leader);
        });

        (await run.SettleAsync(ofCluster: true)).ShouldBeAllMailedOnce();
    }

    [Fact]
    [Trait(Scale.Form, Scale.LongOnly)]
    public async Task All_mails_are_sent_once_during_a_rolling_restart_of_the_cluster()
    {
        await using var run = await StartAsync("rolling restart of all three nodes");

        await BreakAsync(run, async () =>
        {
            foreach (var node in cluster.Nodes.Nodes)
            {
                await node.StopAsync();
                await node.StartAsync();
                await cluster.Nodes.SeeWholeAsync();
            }
        });

        (await run.SettleAsync(ofCluster: true)).ShouldBeAllMailedOnce();
    }

    private async Task<FaultRun> StartAsync(string fault)
    {
        await cluster.Nodes.StartAllAsync(); // the previous test may have left nodes stopped
        await cluster.Nodes.SeeWholeAsync();
        var run = await FaultRun.StartOnAsync(cluster.Nodes.AsOne(), fault, table, ("DeadLetterQueues__Type", "quorum"));
        await ShouldBeReplicatedAsync(run);
        await run.System.NewConsumers().StartAsync();
        return run;
    }

    // Each service connects to a random node. Web and one of the Consumers must be connected to the node that is about to fail. The short
    // form accepts any node, because each attempt takes seconds.
    private async Task ConnectToAsync(TestBroker node, FaultRun run)
    {
        foreach (var (service, process) in Scale.IsLong ? new[] { ("WorkinIt.Web", run.Web), ("WorkinIt.Consumers", run.Consumers) } : [])
        {
            var since = DateTimeOffset.UnixEpoch;
            for (var tries = 0; !await cluster.Nodes.HasConnectedAsync(run.System.VirtualHost, node, service, since); tries++)
            {
                tries.ShouldBeLessThan(40, $"{service} did not connect to the node that is about to fail");
                await process.StopAsync();
                since = DateTimeOffset.UtcNow;
                await process.StartAsync();
            }
        }
    }

    private async Task BreakAsync(FaultRun run, Func<Task> fault)
    {
        var load = run.LoadAsync(pause: _pause);
        await Eventually.SeeAsync(() => run.AcceptedSoFar >= Scale.Submissions / 5, $"{Scale.Submissions / 5} submissions accepted");
        await fault();
        await cluster.Nodes.SeeWholeAsync();
        await load;
    }

    // RabbitMQ 3.10 sometimes hangs when it resumes after the pause (Mnesia: starting_partitioned_network). Restarts such a node, as a watchdog would.
    private async Task RestartIfItHangsAsync(TestBroker node)
    {
        try
        {
            await cluster.Nodes.SeeWholeAsync(TimeSpan.FromSeconds(20));
        }
        catch (TimeoutException)
        {
            await Console.Out.WriteLineAsync("  The node that was cut off did not recover within 20 s; restarting it.");
            await node.KillAsync();
            await node.StartAsync();
        }
    }

    private static async Task ShouldBeReplicatedAsync(FaultRun run)
    {
        var queues = (await run.System.VirtualHost.ManagementAsync("queues/{vhost}")).EnumerateArray()
            .Where(queue => queue.GetProperty("name").GetString() is Input or Input + "_error" or Input + "_skipped" or Input + "_suspect" or "submission-status" or Input + "_delay_1s").ToList();
        queues.Count.ShouldBe(6);
        queues.ShouldAllBe(queue => queue.GetProperty("type").GetString() == "quorum" && queue.GetProperty("members").GetArrayLength() == 3);
    }

    private async Task<TestBroker> LeaderAsync(FaultRun run, TestBroker? butNot = null) => (await Eventually.SeeAsync(
        () => cluster.Nodes.LeaderAsync(run.System.VirtualHost, Input, butNot), leader => leader is not null && leader != butNot, $"a leader of {Input}"))!;
}
