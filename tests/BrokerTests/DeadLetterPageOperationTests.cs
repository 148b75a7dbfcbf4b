using System.Net;
using System.Text;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Operations on the dead-letter pages. Each test has its own system, because an operation holds its queue's lock and writes the audit.</summary>
[Trait("broker", "any")] // tests pages; the classes in DeadLetters cover the queue operations on each version
public sealed class DeadLetterPageOperationTests : IAsyncLifetime
{
    private const string Errors = DeadLetterWeb.Errors;
    private const string Jane = DeadLetterWeb.Jane;

    private readonly DeadLetterWeb _web = new();
    private PageClient _client = null!;

    private WorkinItSystem System => _web.System;

    public async ValueTask InitializeAsync()
    {
        await _web.InitializeAsync();
        _client = _web.NewClient();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _web.DisposeAsync();
    }

    [Fact]
    public async Task Cause_is_replayed_after_a_dry_run_and_other_dead_letters_stay()
    {
        await DeadLetterPages.PutAsync(System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s", count: 30);
        await DeadLetterPages.PutAsync(System.VirtualHost, Errors, Jane, "App.RefusedException", "550 user unknown", count: 20);
        await _client.SignInAsync("operator");
        var causes = await _client.GetAsync($"/dead-letters/queues/{Errors}");
        var cause = causes.Link("cause=").Split("cause=")[1];
        causes.Text.ShouldContain("50 dead letters of send-gif-email with 2 causes");

        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "filter"), ("cause", cause)));
        dryRun.Text.ShouldContain("nothing has moved yet");
        dryRun.Text.ShouldContain("30: no consumer is connected to send-gif-email: it will wait there");
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(50);
        var run = await _client.FollowAsync(dryRun.Path + "/run", ("pace", "1000"), ("atonce", "true"));
        await System.SeeReadyAsync("send-gif-email", 30);
        var outcome = await _client.SeeEndAsync(run);

        outcome.Text.ShouldContain("30 of 30 replayed: 30 may still be in the queue");
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(20);
        (await _client.PostAsync(dryRun.Path + "/run")).Status.ShouldBe(HttpStatusCode.Conflict); // the same dry run can be run only once
        (await _client.GetAsync("/dead-letters/audit")).Text.ShouldContain("replay 30 by operator");
    }

    [Fact]
    public async Task Dry_run_shows_where_a_request_goes_and_the_replay_can_omit_its_response_address()
    {
        await DeadLetterPages.PutAsync(System.VirtualHost, Errors, """{},"responseAddress":"rabbitmq://localhost/bus-shop-1" """, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");

        (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters/{await _client.FirstIdAsync(Errors)}")).Text.ShouldContain("A request: its consumer answers to bus-shop-1 again");
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        dryRun.Text.ShouldContain("1 to send-gif-email");
        dryRun.Text.ShouldContain("its response exchange bus-shop-1 no longer exists");
        dryRun.Html.ShouldContain("name=\"noresponse\"");
        await _client.FollowAsync(dryRun.Path + "/run", ("noresponse", "true"));
        await System.SeeReadyAsync("send-gif-email", 1);
        Encoding.UTF8.GetString((await System.VirtualHost.TakeAllAsync("send-gif-email"))[0].Body.Span).ShouldNotContain("responseAddress");
    }

    [Fact]
    public async Task Dry_runs_of_held_messages_count_them_as_one_cause_warn_before_a_discard_and_say_which_can_be_recorded_as_sent()
    {
        var ids = new[] { Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7() };
        foreach (var id in ids)
            await DeadLetterPages.PutAsync(System.VirtualHost, Errors, $$"""{"submissionId":"{{id}}","emailAddress":"jane@example.com","thought":"hello"}""", "App.HeldException", "Held", id);
        await using (var ledger = new TestLedger(System))
        {
            await ledger.HoldAsync(ids[0]);
            await ledger.HoldAsync(ids[1]);
        }
        await _client.SignInAsync("operator");
        await _client.GetAsync($"/dead-letters/queues/{Errors}");

        var replay = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        replay.Text.ShouldContain("2: outcome unknown: it may have been sent");
        replay.Html.Split("<summary>").Length.ShouldBe(2); // one cause

        var discard = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/discard", ("which", "all")));
        discard.Text.ShouldContain("2: outcome unknown: the mail may have been delivered. If it was, discard it as sent");
        discard.Text.ShouldContain("Discard 3");
        var asSent = await _client.SeeEndAsync(await _client.FollowAsync(discard.Path + "/again", ("sent", "true")));
        asSent.Text.ShouldContain("1: the ledger does not show an unknown outcome");
        asSent.Text.ShouldContain("Discard 2");
        asSent.Html.ShouldContain("name=\"sent\" value=\"true\" checked");

        var letter = (await _client.GetAsync($"/dead-letters/queues/{Errors}/letters")).Link($"/queues/{Errors}/letters/");
        await _client.PostAsync(letter + "/edit");
        var edit = await _client.SeeEndAsync(await _client.FollowAsync(letter + "/edit/preview", ("message", $$"""{"submissionId":"{{Guid.CreateVersion7()}}","emailAddress":"jane@example.com","thought":"hello"}""")));
        edit.Text.ShouldContain("outcome unknown"); // still refused, whatever the id
        var third = (await _client.GetAsync($"/dead-letters/find?id={ids[2]}")).Location ?? (await _client.GetAsync($"/dead-letters/find?id={ids[2]}")).Link($"/queues/{Errors}/letters/");
        edit = await _client.SeeEndAsync(await _client.FollowAsync(third + "/edit/preview", ("message", $$"""{"submissionId":"{{Guid.CreateVersion7()}}","emailAddress":"jane@example.com","thought":"hello"}""")));
        edit.Text.ShouldContain("1: the edit changes submissionId, by which the ledger prevents a second mail");
    }

    [Fact]
    public async Task Queue_with_a_custom_name_is_found_and_its_messages_are_replayed_to_their_input_queue()
    {
        await using (var channel = await System.VirtualHost.OpenChannelAsync())
            await channel.QueueDeclareAsync("gifs.dlq", durable: true, exclusive: false, autoDelete: false);
        await DeadLetterPages.PutAsync(System.VirtualHost, "gifs.dlq", Jane, "System.TimeoutException", "It took 30 s");
        var web = _web.NewProcess(settings =>
        {
            settings["DeadLetters__Queues"] = "*.dlq";
            settings["ConnectionStrings__DeadLetters"] = System.VirtualHost.ConnectionString("operator"); // a user who may read the queue
        });
        await web.StartAsync();
        using var client = new PageClient(web.Address);
        await client.SignInAsync("operator");

        (await client.GetAsync("/dead-letters")).Text.ShouldContain("gifs.dlq");
        (await client.GetAsync("/dead-letters/queues/gifs.dlq")).Text.ShouldContain("TimeoutException");
        var dryRun = await client.SeeEndAsync(await client.FollowAsync("/dead-letters/queues/gifs.dlq/replay", ("which", "all")));
        await client.PostAsync(dryRun.Path + "/run");

        await System.SeeReadyAsync("send-gif-email", 1);
    }

    [Fact]
    public async Task Queue_with_a_long_name_has_pages_on_which_its_messages_are_shown_revealed_and_discarded()
    {
        var queue = "ü" + new string('q', 246) + "_error"; // 254 bytes: the name of its lock or of its discarded queue would be longer than the broker allows
        await using (var channel = await System.VirtualHost.OpenChannelAsync())
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
        await DeadLetterPages.PutAsync(System.VirtualHost, queue, Jane, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");
        var path = $"/dead-letters/queues/{Uri.EscapeDataString(queue)}";

        (await _client.GetAsync("/dead-letters")).Text.ShouldContain(queue);
        (await _client.GetAsync(path)).Text.ShouldContain("TimeoutException");
        var letter = (await _client.GetAsync(path + "/letters")).Link("/letters/");
        (await _client.GetAsync(letter)).Text.ShouldContain("j…@e…");
        (await _client.PostAsync(letter + "/reveal")).Text.ShouldContain("jane@example.com");
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync(path + "/discard", ("which", "all")));
        (await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/run"))).Text.ShouldContain("Discarded 1");
        (await System.VirtualHost.ReadyAsync(queue)).ShouldBe(0);
    }

    [Fact]
    public async Task Page_of_a_locked_queue_shows_who_holds_the_lock_and_since_when()
    {
        await DeadLetterPages.PutAsync(System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s", count: 20);
        await _client.SignInAsync("operator");
        using var other = new DeadLetterClient(
            DeadLetterOptions.Parse(System.VirtualHost.ConnectionString("replay"), new Uri(TestBroker.Required("WORKINIT_TEST_MANAGEMENT"))),
            new AuditFile(Path.Combine(System.Folder, "other.jsonl")));
        using var cancel = new CancellationTokenSource();
        var slow = other.ReplayAsync(new ReplayRequest { Queue = Errors, Filter = DeadLetterFilter.All, By = "Ann on the night shift", Pace = 0.2, Wait = TimeSpan.Zero }, null, cancel.Token);
        await Eventually.SeeAsync(() => System.VirtualHost.ReadyAsync("send-gif-email"), ready => ready >= 1, "the other replay moves messages"); // one every 5 s

        var answer = await _client.GetAsync($"/dead-letters/queues/{Errors}");

        answer.Status.ShouldBe(HttpStatusCode.Conflict);
        answer.Text.ShouldContain("Another operation is running on this queue");
        answer.Text.ShouldContain("Ann on the night shift is running an operation on this queue (replay, since 20");
        await cancel.CancelAsync();
        await slow;
    }

    [Fact]
    public async Task Nothing_is_done_when_the_audit_cannot_be_written_and_the_page_says_so()
    {
        await DeadLetterPages.PutAsync(System.VirtualHost, Errors, Jane, "System.TimeoutException", "It took 30 s");
        await _client.SignInAsync("operator");
        var letter = $"/dead-letters/queues/{Errors}/letters/{await _client.FirstIdAsync(Errors)}";
        Directory.CreateDirectory(Path.Combine(System.Folder, "dead-letters-audit.jsonl")); // a folder instead of the file: not even root can write to it

        var reveal = await _client.PostAsync(letter + "/reveal");

        reveal.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        reveal.Text.ShouldContain("The audit can’t be written");
        reveal.Text.ShouldContain("dead-letters-audit.jsonl");
        reveal.Html.ShouldNotContain("jane@example.com");
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/discard", ("which", "all")));
        var run = await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/run"));
        run.Text.ShouldContain("The audit can’t be written");
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(1);
    }
}
