using System.Net.Http.Json;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>What the pages lack is in the log of the host after its start, one line each with the remedy. The host starts in any case.</summary>
public sealed class SetupReportTests
{
    [Fact]
    public async Task User_that_grant_made_lacks_nothing()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.CreateUserAsync("--queues", "orders,billing");
        (await FindAsync(shop)).ShouldBeEmpty();
        await using var host = await MountedHost.StartAsync(shop.Orders, user: shop.User);
        await MountedHostTests.WalkAsync(shop.Orders, host);
    }

    [Theory]
    [InlineData("dead-letters-lock:.*", "configure dead-letters-lock:*")]
    [InlineData(@"dead-letters\.feed", "configure, write and read dead-letters.feed")]
    [InlineData(@"dead-letters\.reports", "configure, write and read dead-letters.reports")]
    [InlineData(@"amq\.default", "write amq.default")]
    [InlineData("(orders|billing)", "write billing, write orders")]
    [InlineData("(orders|billing)_error", "read billing_error, read orders_error")]
    [InlineData("(orders|billing)_skipped", "read orders_skipped")]
    [InlineData("(orders|billing)_discarded", "configure billing_discarded")]
    public async Task Missing_permission_is_named_with_the_command_that_grants_it(string pattern, string expected)
    {
        await using var shop = await GrantedShop.CreateAsync();
        var rights = (await shop.CreateUserAsync("--queues", "orders,billing")).GetProperty("needed").EnumerateArray()
            .Select(right => (Permission: GrantTests.Text(right, "right"), Pattern: GrantTests.Text(right, "pattern"))).Where(right => right.Pattern != pattern).ToList();
        await shop.SetPermissionsAsync(Of("configure"), Of("write"), Of("read"));

        var missing = (await FindAsync(shop)).ShouldHaveSingleItem();

        var named = missing.Split($"lacks permissions in {shop.Orders.VirtualHost.Name}: ")[1].Split(". Run as an administrator: ");
        string.Join(", ", named[0].Split(", ").Order(StringComparer.Ordinal)).ShouldContain(string.Join(", ", expected.Split(", ").Order(StringComparer.Ordinal)));
        named[1].ShouldBe($"workinit dead-letters grant {shop.User} --vhost {shop.Orders.VirtualHost.Name}");
        (await shop.GrantAsync(named[1].Split(' ')[4..].Append("--yes").ToArray())).Code.ShouldBe(0); // the remedy helps
        (await FindAsync(shop)).ShouldBeEmpty();

        string Of(string permission) => $"^({string.Join('|', rights.Where(right => right.Permission == permission).Select(right => right.Pattern))})$";
    }

    [Fact]
    public async Task User_that_may_only_look_lacks_what_an_operation_needs()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.CreateUserAsync("--queues", "orders,billing", "--view");
        var missing = await FindAsync(shop);
        missing.ShouldHaveSingleItem().ShouldContain(": write dead-letters-lock:*, write amq.default, write billing, write orders, configure billing_discarded. Run");
    }

    [Fact]
    public async Task Missing_tag_is_named_with_the_command_that_sets_it()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.CreateUserAsync("--queues", "orders,billing");
        await DeadLetterPages.AddUserAsync(shop.Broker, shop.User, "");
        var missing = (await FindAsync(shop)).ShouldHaveSingleItem();
        missing.ShouldContain("it needs the tag management");
        missing.ShouldContain($"workinit dead-letters grant {shop.User} --vhost {shop.Orders.VirtualHost.Name}");
    }

    [Fact]
    public async Task Management_plugin_that_does_not_answer_is_named()
    {
        await using var orders = await Orders.CreateAsync();
        using var client = new WorkinIt.DeadLetters.DeadLetterClient(orders.Options with { Management = new Uri($"http://127.0.0.1:{Ports.TakeFree()}") }, orders.Client.Audit);
        (await client.FindMissingAsync(hasCatalogue: true, default)).ShouldHaveSingleItem().ShouldContain("check the address, and that the plugin is enabled");
    }

    [Fact]
    public async Task Audit_file_that_can_not_be_written_is_named()
    {
        await using var orders = await Orders.CreateAsync();
        var file = Path.GetTempFileName();
        using var client = new WorkinIt.DeadLetters.DeadLetterClient(orders.Options, new WorkinIt.DeadLetters.AuditFile(Path.Combine(file, "audit.jsonl")));
        var missing = (await client.FindMissingAsync(hasCatalogue: true, default)).ShouldHaveSingleItem();
        missing.ShouldContain($"The audit file {Path.Combine(file, "audit.jsonl")} can’t be written");
        missing.ShouldContain("name another file");
        File.Delete(file);
    }

    [Fact]
    public async Task Check_leaves_nothing_behind_and_moves_nothing()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.CreateUserAsync();
        await shop.Orders.PutFaultsAsync(2);
        var before = (await shop.Orders.VirtualHost.ManagementAsync("bindings/{vhost}")).ToString();
        using var client = new WorkinIt.DeadLetters.DeadLetterClient(shop.Options, new WorkinIt.DeadLetters.AuditFile(Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}", "audit.jsonl")));
        (await client.FindMissingAsync(hasCatalogue: true, default)).ShouldBeEmpty();
        await Eventually.SeeAsync(async () => (await shop.Orders.VirtualHost.ManagementAsync("bindings/{vhost}")).ToString(), after => after == before, "the bindings from before");
        foreach (var (queue, count) in new[] { (Orders.Input, 0), (Orders.Error, 2), ("orders_discarded", -1), ("dead-letters.feed", -1), ("dead-letters.reports", -1) })
            (await shop.Orders.VirtualHost.ReadyAsync(queue)).ShouldBe(count, queue);
    }

    [Fact]
    public async Task Host_starts_without_a_broker_and_says_so_once()
    {
        await using var orders = await Orders.CreateAsync();
        await using var host = await MountedHost.StartAsync(orders, user: "nobody");
        await Eventually.SeeAsync(() => !host.Problems.IsEmpty, "the problem is logged", TimeSpan.FromSeconds(30));
        await Task.Delay(TimeSpan.FromSeconds(2));
        host.Problems.Count(line => line.Contains("The dead-letter pages lack something: ", StringComparison.Ordinal) && line.Contains("refuses the user nobody", StringComparison.Ordinal)).ShouldBe(2); // by the management API, and by the broker
        using var http = new HttpClient { BaseAddress = host.Address };
        (await http.PostAsJsonAsync(new Uri("/sign-in/Erin/operator", UriKind.Relative), new { })).IsSuccessStatusCode.ShouldBeTrue();
    }

    private static async Task<IReadOnlyList<string>> FindAsync(GrantedShop shop)
    {
        using var client = new WorkinIt.DeadLetters.DeadLetterClient(shop.Options, shop.Orders.Client.Audit);
        return await client.FindMissingAsync(hasCatalogue: true, default);
    }
}
