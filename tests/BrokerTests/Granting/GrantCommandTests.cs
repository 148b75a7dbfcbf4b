using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>What <c>workinit dead-letters grant</c> prints, asks and changes.</summary>
public sealed class GrantCommandTests
{
    [Fact]
    public async Task Dry_run_prints_each_right_with_its_reason_and_creates_nothing()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.Orders.Channel.QueueDeclareAsync("shop:returns_error", durable: true, exclusive: false, autoDelete: false);

        var result = await shop.GrantAsync("--queues", "orders,billing", "--dry-run");

        result.Code.ShouldBe(0, result.ToString());
        foreach (var text in new[] { "management", "(orders|billing)_error", @"amq\.default", "billing-failures", "leads to billing_error", $"RabbitMQ user {shop.User} does not exist", "could not read it: shop:returns_error" })
            result.Output.ShouldContain(text);
        (await ExistsAsync(shop)).ShouldBeFalse();
    }

    [Fact]
    public async Task Without_a_terminal_nothing_is_done_unless_the_command_says_yes()
    {
        await using var shop = await GrantedShop.CreateAsync();
        var result = await shop.GrantAsync();
        result.Code.ShouldBe(2);
        result.Errors.ShouldContain("pass --yes");
        (await ExistsAsync(shop)).ShouldBeFalse();
    }

    [Fact]
    public async Task Generated_password_is_printed_once_and_works()
    {
        await using var shop = await GrantedShop.CreateAsync();
        var result = await shop.GrantAsync("--yes");
        result.Code.ShouldBe(0, result.ToString());
        var password = result.Output.Split("Its password, which is not shown again: ")[1].Trim();
        password.Length.ShouldBe(32);
        var options = DeadLetterOptions.Parse(shop.Orders.VirtualHost.ConnectionString(shop.User).Replace($":{shop.User}@", $":{password}@", StringComparison.Ordinal), shop.Options.Management);
        await using (await options.ConnectAsync("test", default))
        {
        }

        var again = await shop.GrantAsync("--yes");
        again.Output.ShouldContain("Nothing to do");
        again.Output.ShouldNotContain("password");
        await using (await options.ConnectAsync("test", default))
        {
        }
    }

    [Fact]
    public async Task Existing_user_keeps_its_password_and_other_rights_and_the_difference_is_shown()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await DeadLetterPages.AddUserAsync(shop.Broker, shop.User, "policymaker");
        await shop.SetPermissionsAsync("^mine$", "", "^(mine|orders_error)$");

        (await shop.GrantAsync("--queues", "orders,billing")).Code.ShouldBe(2); // nothing without a yes
        GrantTests.Text(await shop.PermissionsAsync(), "configure").ShouldBe("^mine$");
        var result = await shop.GrantAsync("--queues", "orders,billing", "--yes");

        result.Code.ShouldBe(0, result.ToString());
        result.Output.ShouldContain("exists, and would be changed");
        result.Output.ShouldContain("does not need: configure ^mine$ (--replace removes it)");
        result.Output.ShouldContain("does not need: tag policymaker");
        var rights = await shop.PermissionsAsync();
        GrantTests.Text(rights, "configure").ShouldStartWith("^mine$|^(dead-letters-lock:.*|");
        GrantTests.Text(rights, "write").ShouldStartWith("^(dead-letters");
        GrantTests.Text(rights, "read").ShouldStartWith("^(mine|orders_error|");
        (await TagsAsync(shop)).ShouldBe(["policymaker"]);
        await shop.OperateAsync(); // with the password from before
        (await shop.GrantAsync("--queues", "orders,billing", "--yes")).Output.ShouldContain("Nothing to do");
    }

    [Fact]
    public async Task Replace_leaves_exactly_the_needed_rights()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await DeadLetterPages.AddUserAsync(shop.Broker, shop.User, "administrator");
        await shop.SetPermissionsAsync(".*", ".*", ".*");
        (await shop.GrantAsync("--yes")).Output.ShouldContain("does not need: configure .*");
        GrantTests.Text(await shop.PermissionsAsync(), "write").ShouldBe(".*");

        (await shop.GrantAsync("--queues", "orders,billing", "--replace", "--yes")).Code.ShouldBe(0);

        var needed = (await shop.GrantAsync("--queues", "orders,billing", "--replace", "--dry-run", "--json")).Json;
        needed.GetProperty("done").GetBoolean().ShouldBeTrue();
        var rights = await shop.PermissionsAsync();
        foreach (var permission in new[] { "configure", "write", "read" })
        {
            GrantTests.Text(rights, permission).ShouldBe(
                $"^({string.Join('|', needed.GetProperty("needed").EnumerateArray().Where(right => GrantTests.Text(right, "right") == permission).Select(right => GrantTests.Text(right, "pattern")))})$");
        }
        (await TagsAsync(shop)).ShouldBe(["management"]);
    }

    [Fact]
    public async Task Wrong_usage_and_missing_rights_are_explained()
    {
        await using var shop = await GrantedShop.CreateAsync();
        await shop.CreateUserAsync();
        (string[] Arguments, int Code, string Error)[] cases =
        [
            (["--vhost", "nowhere", "--yes"], 2, "Virtual host \"nowhere\""),
            (["--queues", "orders,,billing", "--yes"], 2, "a pattern is empty"),
            (["--password-stdin", "--yes"], 2, "exists, and keeps its password"),
            (["--json"], 2, "pass --yes"),
        ];
        foreach (var (arguments, code, error) in cases)
        {
            var result = await shop.GrantAsync([.. arguments, .. arguments is ["--json"] ? ["--view", "--replace"] : Array.Empty<string>()]);
            (result.Code, result.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(code, result.ToString()), it => it.Errors.ShouldContain(error));
        }
        var own = await shop.Orders.Command.RunAsync("dead-letters", "grant", "operator", "--replace", "--yes");
        (own.Code, own.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("connect as another administrator"));
        var asViewer = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = shop.Orders.VirtualHost.ConnectionString(shop.User),
            ["RabbitMqManagement__Url"] = shop.Broker.Management.BaseAddress!.ToString(),
        });
        var refused = await asViewer.RunAsync("dead-letters", "grant", "another", "--yes");
        (refused.Code, refused.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(1), it => it.Errors.ShouldContain($"The RabbitMQ user {shop.User} can't administer users"));
        var unreachable = await shop.Orders.CommandWithoutManagement.RunAsync("dead-letters", "grant", "another", "--yes");
        (unreachable.Code, unreachable.Errors).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(3), it => it.Errors.ShouldContain("management API is unreachable"));
    }

    private static async Task<bool> ExistsAsync(GrantedShop shop) => (await shop.Broker.Management.GetAsync($"/api/users/{shop.User}")).IsSuccessStatusCode;

    private static async Task<IReadOnlyList<string>> TagsAsync(GrantedShop shop)
    {
        var tags = (await shop.Broker.Management.GetFromJsonAsync<JsonElement>($"/api/users/{shop.User}")).GetProperty("tags");
        return tags.ValueKind == JsonValueKind.Array ? [.. tags.EnumerateArray().Select(tag => tag.GetString()!)] : tags.GetString()!.Split(',');
    }
}
