using System.Net;
using System.Text;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The page that repairs the messages of a dry run by one JSON Patch.</summary>
[Trait("broker", "any")] // tests pages; the classes in DeadLetters cover the queue operations on each version
public sealed class DeadLetterPageRepairTests : IAsyncLifetime
{
    private const string Errors = DeadLetterWeb.Errors;
    private const string Patch = """[{"op":"test","path":"/email","value":"jane@wrong.example"},{"op":"replace","path":"/email","value":"jane@right.example"}]""";

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
    public async Task Messages_of_a_dry_run_are_repaired_after_masked_diffs_and_those_that_the_patch_does_not_fit_stay()
    {
        await PutAsync();
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        dryRun.Html.ShouldContain("/repair\">Repair");

        (await _client.PostAsync(dryRun.Path + "/repair")).Html.ShouldContain("<textarea id=\"patch\"");
        var wrong = await _client.PostAsync(dryRun.Path + "/repair/preview", ("patch", "[\r\n{\"op\":\"delete\",\"path\":\"/a\"}]"));
        wrong.Status.ShouldBe(HttpStatusCode.BadRequest);
        wrong.Text.ShouldContain("Operation 1 of the patch (line 2): \"op\" is \"delete\". Valid: add, remove, replace, move, copy, test");
        wrong.Html.ShouldContain("delete&quot;,&quot;path"); // what was written is still in the form

        var repair = await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/repair/preview", ("patch", Patch)));
        repair.Text.ShouldContain("Repair and replay: 5");
        repair.Text.ShouldContain("3 would change: It took");
        repair.Text.ShouldContain("And 1 more.");
        repair.Text.ShouldContain("2: operation 1 (test /email): /email has another value");
        repair.Text.ShouldContain("can’t be undone once a consumer has the message");
        repair.Html.Split("<del>").Length.ShouldBe(3); // one changed line in each of two examples
        repair.Html.Split("<ins>").Length.ShouldBe(3);
        repair.Text.ShouldNotContain("jane@");
        repair.Text.ShouldNotContain("Discard 2 refused");
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(5);
        (await _client.PostAsync(repair.Path + "/repair")).Text.ShouldContain("jane@right.example"); // the operator's own patch

        var outcome = await _client.SeeEndAsync(await _client.FollowAsync(repair.Path + "/run"));
        outcome.Text.ShouldContain("3 of 5 replayed");
        await System.SeeReadyAsync(Errors, 2);
        (await System.VirtualHost.TakeAllAsync("send-gif-email")).Select(message => Encoding.UTF8.GetString(message.Body.Span)).ShouldAllBe(body => body.Contains("jane@right.example"));
        (await _client.GetAsync("/dead-letters/audit")).Text.ShouldContain("repair 3 by operator");
    }

    [Fact]
    public async Task Patch_is_neither_run_nor_shown_by_another_operator()
    {
        await PutAsync();
        await DeadLetterPages.AddUserAsync(System.Broker, "other-operator", "administrator");
        var dryRun = await _client.SeeEndAsync(await _client.FollowAsync($"/dead-letters/queues/{Errors}/replay", ("which", "all")));
        var repair = await _client.SeeEndAsync(await _client.FollowAsync(dryRun.Path + "/repair/preview", ("patch", Patch)));
        using var other = _web.NewClient();
        await other.SignInAsync("other-operator");

        var seen = await other.GetAsync(repair.Path);
        seen.Text.ShouldContain("3 would change");
        seen.Html.ShouldNotContain("/run\"");
        foreach (var path in new[] { "/run", "/again", "/repair", "/repair/preview" })
            (await other.PostAsync(repair.Path + path, ("patch", Patch))).ShouldSatisfyAllConditions(it => it.Status.ShouldBe(HttpStatusCode.Forbidden, path), it => it.Text.ShouldNotContain("jane@"));
        (await System.VirtualHost.ReadyAsync(Errors)).ShouldBe(5);
    }

    // Three that the patch fits, two with another address.
    private async Task PutAsync()
    {
        foreach (var (host, count) in new[] { ("wrong", 3), ("other", 2) })
            await DeadLetterPages.PutAsync(System.VirtualHost, Errors, $$"""{"email":"jane@{{host}}.example","thought":"Monday"}""", "System.TimeoutException", "It took 30 s", count: count);
        await System.SeeReadyAsync(Errors, 5);
        await _client.SignInAsync("operator");
        await _client.GetAsync($"/dead-letters/queues/{Errors}"); // has the token of its forms
    }
}
