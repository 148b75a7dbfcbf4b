using System.Diagnostics;
using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The page of a replay that has paused. No consumer runs, so each replay of more than a handful pauses after its first message.</summary>
[Trait("broker", "any")] // tests pages; ReplayPauseTests covers the pauses on each version
public sealed class DeadLetterPagePauseTests : IAsyncLifetime
{
    private const string Errors = DeadLetterWeb.Errors;
    private const string Input = "send-gif-email";

    private readonly DeadLetterWeb _web = new();
    private PageClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        await _web.InitializeAsync();
        _client = _web.NewClient();
        await DeadLetterPages.PutAsync(_web.System.VirtualHost, Errors, DeadLetterWeb.Jane, "System.TimeoutException", "It took 30 s", count: 30);
        await _client.SignInAsync("operator");
        await _client.GetAsync($"/dead-letters/queues/{Errors}");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _web.DisposeAsync();
    }

    [Fact]
    public async Task Page_says_why_a_replay_is_paused_and_resumes_it()
    {
        var paused = await PauseAsync();

        paused.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain("Paused: 1 of 1 messages of the last step wait in send-gif-email: send-gif-email has no consumer"),
            it => it.ShouldContain("Start or repair the consumer, then resume, resume at a lower pace, or cancel"), it => it.ShouldContain("Messages per second"),
            it => it.ShouldContain("Step 1, of up to 1"));
        (await _client.GetAsync("/dead-letters")).Text.ShouldContain("replay all in send-gif-email_error by operator, paused");
        (await _web.System.VirtualHost.ReadyAsync(Errors)).ShouldBe(29);
        using (var viewer = _web.NewClient())
        {
            await DeadLetterPages.AddUserAsync(_web.System.Broker, "viewer-of-pauses", "monitoring");
            await viewer.SignInAsync("viewer-of-pauses");
            (await viewer.GetAsync(paused.Path)).Html.ShouldNotContain("/resume");
            (await viewer.PostAsync(paused.Path + "/resume")).Status.ShouldNotBe(HttpStatusCode.SeeOther);
        }
        await _client.FollowAsync(paused.Path + "/resume");

        (await _client.SeeEndAsync(paused)).Text.ShouldContain("30 of 30 replayed: 30 may still be in the queue");
        (await _web.System.VirtualHost.ReadyAsync(Input)).ShouldBe(30);
        (await _client.FollowAsync(paused.Path + "/resume")).Text.ShouldContain("30 of 30 replayed"); // a second click does nothing
    }

    [Fact]
    public async Task Slower_on_the_page_needs_a_pace_and_keeps_it()
    {
        var paused = await PauseAsync();
        (await _client.PostAsync(paused.Path + "/slower", ("pace", ""))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _client.PostAsync(paused.Path + "/slower", ("pace", "many"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _client.GetAsync(paused.Path)).Text.ShouldContain("Paused: ");
        var clock = Stopwatch.StartNew();

        await _client.FollowAsync(paused.Path + "/slower", ("pace", "10"));

        (await _client.SeeEndAsync(paused)).Text.ShouldContain("30 of 30 replayed");
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2.7)); // 29 messages
    }

    [Fact]
    public async Task Cancel_on_the_page_ends_a_paused_replay_and_the_rest_stays()
    {
        var paused = await PauseAsync();

        await _client.FollowAsync(paused.Path + "/cancel");

        (await _client.SeeEndAsync(paused)).Text.ShouldContain("1 of 30 replayed");
        (await _web.System.VirtualHost.ReadyAsync(Errors)).ShouldBe(29);
        (await _client.GetAsync("/dead-letters/audit")).Text.ShouldContain("replay 1 by operator");
    }

    [Fact]
    public async Task Button_on_the_page_pauses_a_running_replay_and_only_a_replay()
    {
        var dryRun = await DryRunAsync(_client);
        (await _client.PostAsync(dryRun.Path + "/pause")).Status.ShouldBe(HttpStatusCode.Conflict);
        var run = await _client.FollowAsync(dryRun.Path + "/run", ("atonce", "true"), ("pace", "0.5"));
        run.Html.ShouldContain("/pause\"");
        using (var viewer = _web.NewClient())
        {
            await DeadLetterPages.AddUserAsync(_web.System.Broker, "viewer-of-pauses", "monitoring");
            await viewer.SignInAsync("viewer-of-pauses");
            (await viewer.GetAsync(run.Path)).Html.ShouldNotContain("/pause\"");
            (await viewer.PostAsync(run.Path + "/pause")).Status.ShouldNotBe(HttpStatusCode.SeeOther);
        }

        await _client.FollowAsync(run.Path + "/pause");

        var paused = await Eventually.SeeAsync(() => _client.GetAsync(run.Path), page => page.Html.Contains("data-live=\"paused\"", StringComparison.Ordinal), "the replay has paused");
        paused.Text.ShouldContain("Paused: requested by operator");
        paused.Html.ShouldNotContain("/pause\"");
        (await _web.System.VirtualHost.ReadyAsync(Errors)).ShouldBeGreaterThan(20);
        await _client.FollowAsync(paused.Path + "/slower", ("pace", "1000"));
        (await _client.SeeEndAsync(paused)).Text.ShouldContain("30 of 30 replayed");
        (await _client.GetAsync("/dead-letters/audit")).Text.ShouldContain("paused by operator");
        (await _client.FollowAsync(paused.Path + "/pause")).Text.ShouldContain("30 of 30 replayed"); // after its end, nothing happens
    }

    [Fact]
    public async Task Another_instance_shows_the_pause_and_resumes_the_replay()
    {
        var catalogue = $"Data Source={Path.Combine(_web.System.Folder, "shared-catalogue.db")}";
        var instances = new[] { NewInstance(), NewInstance() };
        await instances[0].StartAsync(); // creates the catalogue
        await instances[1].StartAsync();
        using var here = new PageClient(instances[0].Address);
        using var there = new PageClient(instances[1].Address);
        foreach (var client in new[] { here, there })
            await client.SignInAsync("operator");
        await here.GetAsync($"/dead-letters/queues/{Errors}"); // for the token of its forms
        var paused = await PauseAsync(here);
        var address = new Uri(paused.Path).PathAndQuery;

        var seen = await Eventually.SeeAsync(() => there.GetAsync(address), page => page.Text.Contains("Paused: 1 of 1 messages", StringComparison.Ordinal), "the other instance shows the pause");
        seen.Text.ShouldContain("(process ");
        await there.FollowAsync(address + "/resume");

        (await here.SeeEndAsync(paused)).Text.ShouldContain("30 of 30 replayed");

        ServiceProcess NewInstance() => _web.NewProcess(settings => settings["ConnectionStrings__Catalogue"] = catalogue);
    }

    [Fact]
    public async Task Dry_run_shows_the_steps_and_all_at_once_has_none()
    {
        var dryRun = await DryRunAsync(_client);
        dryRun.Text.ShouldContain("4 steps: 1, 5, 20, 4.");
        var again = await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/again", ("atonce", "true")));
        again.Text.ShouldContain("Moves all 30 at once, without pauses");
        again.Html.ShouldContain("name=\"atonce\" value=\"true\" checked");

        (await _client.SeeEndAsync(await _client.FollowAsync(again.Path + "/run", ("atonce", "true")))).Text.ShouldContain("30 of 30 replayed: 30 may still be in the queue");
    }

    private static async Task<Answer> DryRunAsync(PageClient client) => await client.SeeEndAsync(await client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));

    private async Task<Answer> PauseAsync(PageClient? other = null)
    {
        var client = other ?? _client;
        var run = await client.FollowAsync((await DryRunAsync(client)).Path + "/run");
        return await Eventually.SeeAsync(() => client.GetAsync(run.Path), page => page.Html.Contains("data-live=\"paused\"", StringComparison.Ordinal), "the replay has paused");
    }
}
