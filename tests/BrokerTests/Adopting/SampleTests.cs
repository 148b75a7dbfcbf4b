using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>samples/ParcelDesk (MVC) and samples/ParcelWorker (reports), built from the packed packages in a folder without this repository, as their READMEs say.</summary>
public sealed class SampleTests(Packages packages)
{
    private const string Error = "ship-parcel_error";

    [Fact]
    public async Task Parcel_that_failed_is_replayed_on_the_board_of_the_mvc_application_and_handled_by_the_worker()
    {
        using var folder = await packages.CreateFolderAsync();
        folder.WriteBuildFiles();
        var (desk, worker) = (await BuildAsync(folder, "ParcelDesk"), await BuildAsync(folder, "ParcelWorker"));
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        (string, string)[] settings = [("ConnectionStrings__RabbitMq", virtualHost.ConnectionString("operator")), ("RabbitMqManagement__Url", broker.Management.BaseAddress!.ToString())];
        await using var pages = HostedProgram.Start(desk, settings);
        using var client = new PageClient(pages.Address);
        await using (HostedProgram.Start(worker, settings))
        {
            await SeeConsumersAsync(virtualHost, 1);
            await pages.SeeAsync(client, "/sign-in", "Engineer");
            var toSignIn = new Uri((await client.GetAsync("/")).Location!).PathAndQuery;
            await client.GetAsync(toSignIn);
            (await client.PostAsync(toSignIn, ("role", "engineer"))).Location.ShouldBe("/");
            (await client.GetAsync("/")).Text.ShouldContain("Parcel desk");
            (await client.PostAsync("/Home/Ship", ("town", "Atlantis"))).Location.ShouldBe("/");
            await Eventually.SeeAsync(() => virtualHost.ReadyAsync(Error), ready => ready == 1, "the parcel failed");
        }
        await pages.SeeAsync(client, "/dead-letters", "NoRoadException");
        await SeeConsumersAsync(virtualHost, 0);
        await using var fixedWorker = HostedProgram.Start(worker, [.. settings, ("Closed", "nowhere")]);
        await SeeConsumersAsync(virtualHost, 1);

        await client.GetAsync($"/dead-letters/queues/{Error}");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync($"/dead-letters/queues/{Error}/replay", ("which", "all")));
        var outcome = await client.SeeEndAsync(await client.FollowAsync(dryRun.Path + "/run"));

        outcome.Text.ShouldContain("1 of 1 replayed: 1 handled");
        (await client.GetAsync("/dead-letters/audit")).Text.ShouldContain("replay 1 by A engineer");
        await SeeOpenIdAsync(desk, settings);
    }

    // The same application with an issuer: its groups decide, and the audit log has the user name.
    private static async Task SeeOpenIdAsync(string desk, (string, string)[] settings)
    {
        await using var issuer = await OpenIdIssuer.StartAsync();
        issuer.Callback = "/signin-oidc";
        issuer.SetUserName("Erin", "erin.h");
        await using var pages = HostedProgram.Start(desk, [.. settings, ("OpenIdConnect__Authority", issuer.Address.ToString()), ("OpenIdConnect__ClientId", OpenIdIssuer.ClientId), ("OpenIdConnect__ClientSecret", OpenIdIssuer.ClientSecret)]);
        foreach (var (group, board, dryRun) in new[] { ("engineer", HttpStatusCode.OK, HttpStatusCode.SeeOther), ("clerk", HttpStatusCode.OK, HttpStatusCode.Redirect), ("visitor", HttpStatusCode.Redirect, default) })
        {
            issuer.SetGroups("Erin", group);
            using var client = new PageClient(pages.Address);
            var toIssuer = (await pages.SeeRedirectAsync(client, "/dead-letters")).Location!;
            (await client.GetAsync(await issuer.OpenAsync(toIssuer, "Erin"))).Location.ShouldBe("/dead-letters", group);
            var seen = await client.GetAsync("/dead-letters");
            seen.Status.ShouldBe(board, group);
            if (board != HttpStatusCode.OK)
                continue;
            seen.Text.ShouldContain("erin.h");
            await client.GetAsync($"/dead-letters/queues/{Error}");
            (await client.PostAsync($"/dead-letters/queues/{Error}/replay", ("which", "all"))).Status.ShouldBe(dryRun, group);
        }
    }

    private static async Task<string> BuildAsync(PackedFolder folder, string sample)
    {
        folder.CopySample(sample);
        (await folder.RunAsync(sample, "dotnet", ["build"])).ShouldSucceed();
        return Path.Combine(folder.Path, sample, "bin", "Debug", "net10.0", $"{sample}.dll");
    }

    // The management API, from which a replay knows whether a queue has a consumer, lags by some seconds.
    private static async Task SeeConsumersAsync(TestVirtualHost virtualHost, int count) => await Eventually.SeeAsync(
        async () => (await virtualHost.ManagementAsync("queues/{vhost}")).EnumerateArray()
            .Where(queue => queue.GetProperty("name").GetString() == "ship-parcel").Select(queue => queue.TryGetProperty("consumers", out var consumers) ? consumers.GetInt32() : -1).FirstOrDefault(-1),
        consumers => consumers == count, $"{count} consumers of ship-parcel", TimeSpan.FromMinutes(2));
}
