using System.Net;
using System.Net.Http.Json;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Operators who lose their access while they are signed in, at two instances of Web that share their sessions.</summary>
[Trait("broker", "any")] // tests sessions; RabbitMQ only authenticates the users, which BrokerPermissionTests covers on each version
public sealed class OperatorRevocationTests(TwoWebs webs) : IClassFixture<TwoWebs>
{
    private const string Queue = "/dead-letters/queues/send-gif-email_error";
    private static int _address;

    [Fact]
    public async Task Signed_out_cookie_is_rejected_by_every_instance()
    {
        using var client = await SignInAsync("leaves", "administrator");
        using var copyAtA = client.CopyTo(webs.A.Address);
        using var copyAtB = client.CopyTo(webs.B.Address);
        (await copyAtB.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.OK);

        (await client.PostAsync("/dead-letters/sign-out")).Status.ShouldBe(HttpStatusCode.SeeOther);

        foreach (var copy in new[] { copyAtA, copyAtB })
        {
            (await copy.GetAsync("/dead-letters")).ShouldLeadToSignIn();
            (await ActAsync(copy)).ShouldLeadToSignIn();
        }
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("another password")]
    [InlineData("no tag")]
    public async Task Operator_whose_user_lost_access_can_neither_act_nor_view_at_any_instance(string change)
    {
        var name = $"goes-{change.Replace(' ', '-')}";
        using var client = await SignInAsync(name, "administrator");
        using var atB = client.CopyTo(webs.B.Address);
        (await ActAsync(client)).Status.ShouldBe(HttpStatusCode.SeeOther);

        using var response = change switch
        {
            "deleted" => await webs.System.Broker.Management.DeleteAsync($"/api/users/{name}"),
            "no tag" => await webs.System.Broker.Management.PutAsJsonAsync($"/api/users/{name}", new { password = name, tags = "" }),
            _ => await webs.System.Broker.Management.PutAsJsonAsync($"/api/users/{name}", new { password = "another", tags = "administrator" }),
        };
        response.EnsureSuccessStatusCode();

        (await ActAsync(atB)).ShouldLeadToSignIn();
        (await client.GetAsync("/dead-letters")).ShouldLeadToSignIn();
        (await atB.GetAsync("/dead-letters")).ShouldLeadToSignIn();
    }

    [Fact]
    public async Task Operator_who_is_no_longer_an_administrator_may_view_and_not_act()
    {
        using var client = await SignInAsync("is-demoted", "administrator");
        (await ActAsync(client)).Status.ShouldBe(HttpStatusCode.SeeOther);

        await DeadLetterPages.AddUserAsync(webs.System.Broker, "is-demoted", "management");

        (await ActAsync(client)).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Operator_password_is_not_stored_in_readable_form()
    {
        using var client = await SignInAsync("keeps-a-secret", "administrator", "correct horse battery");
        foreach (var file in Directory.GetFiles(webs.System.Folder, "submissions.db*"))
            System.Text.Encoding.UTF8.GetString(await ReadAsync(file)).ShouldNotContain("correct horse");
        webs.System.Logs.ShouldNotContain("correct horse");
    }

    [Fact]
    public async Task Wrong_passwords_from_other_addresses_do_not_lock_out_the_operator()
    {
        await DeadLetterPages.AddUserAsync(webs.System.Broker, "is-attacked", "administrator");
        for (var attempt = 0; attempt < 20; attempt++)
        {
            using var guesser = new PageClient(webs.A.Address, $"198.51.100.{attempt / 5}");
            (await guesser.SignInAsync("is-attacked", $"guess {attempt}")).Status.ShouldBeOneOf(HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests);
        }

        using var client = new PageClient(webs.A.Address, "203.0.113.77");
        (await client.SignInAsync("is-attacked")).Status.ShouldBe(HttpStatusCode.SeeOther);

        // Guessing is slowed down: of five attempts from one address, RabbitMQ is asked about one.
        using var another = new PageClient(webs.A.Address, "198.51.100.200");
        (await another.SignInAsync("is-attacked", "guess")).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await another.SignInAsync("is-attacked", "guess")).Status.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    private async Task<PageClient> SignInAsync(string name, string tags, string? password = null)
    {
        (await webs.System.Broker.Management.PutAsJsonAsync($"/api/users/{name}", new { password = password ?? name, tags })).EnsureSuccessStatusCode();
        var client = new PageClient(webs.A.Address, $"203.0.113.{Interlocked.Increment(ref _address)}"); // attempts are counted by address
        (await client.SignInAsync(name, password)).Status.ShouldBe(HttpStatusCode.SeeOther);
        (await client.GetAsync("/dead-letters")).Status.ShouldBe(HttpStatusCode.OK);
        return client;
    }

    // Requests a dry run of a discard; the queue is empty.
    private static Task<Answer> ActAsync(PageClient client) => client.PostAsync(Queue + "/discard", ("which", "all"));

    private static async Task<byte[]> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}

internal static class AnswerAssertions
{
    public static void ShouldLeadToSignIn(this Answer answer)
    {
        answer.Status.ShouldBe(HttpStatusCode.Redirect);
        answer.Location.ShouldNotBeNull().ShouldContain("/dead-letters/sign-in");
    }
}
