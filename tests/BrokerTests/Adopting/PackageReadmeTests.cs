using System.Text.RegularExpressions;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>The README of each package, followed from its first command in an empty folder without this repository, over the dead letters of a foreign application.</summary>
public sealed partial class PackageReadmeTests(Packages packages, ForeignApplication application) : IClassFixture<ForeignApplication>
{
    [Fact]
    public async Task Program_of_the_pages_shows_the_board_by_four_lines_in_its_host()
    {
        var reader = ReaderOf("DeadLetters.Dashboard");
        var lines = reader.Program.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith("using", StringComparison.Ordinal)).ToList();
        // Without these lines, nothing of the pages is left: the rest is what the host has anyway.
        lines.Count(line => Numbered().IsMatch(line)).ShouldBe(4);
        lines.Where(line => !Numbered().IsMatch(line)).ShouldAllBe(line => !line.Contains("DeadLetter", StringComparison.Ordinal) && !line.Contains("Policy", StringComparison.Ordinal));
        using var folder = await packages.CreateFolderAsync();
        await using var host = HostedProgram.Start(await reader.BuildAsync(folder));
        using var client = new PageClient(host.Address);

        await EnterAsync(host, client);

        var board = await host.SeeAsync(client, "/dead-letters", $"Dead letters {ForeignApplication.Letters.Values.Sum()} ");
        board.Text.ShouldContain("TimeoutException");
        var queues = await client.GetAsync("/dead-letters/queues");
        foreach (var (queue, _) in ForeignApplication.Letters)
            queues.Text.ShouldContain(queue);
    }

    [Fact]
    public async Task Program_of_the_catalogue_shows_the_dead_letters_of_two_virtual_hosts_on_one_board()
    {
        using var folder = await packages.CreateFolderAsync();
        await using var host = HostedProgram.Start(await ReaderOf("DeadLetters.Catalogue").BuildAsync(folder, application.Billing.ConnectionString("operator")));
        using var client = new PageClient(host.Address);

        await EnterAsync(host, client);

        await host.SeeAsync(client, "/dead-letters", $"Dead letters {ForeignApplication.Letters.Values.Sum() + 3} ");
        await host.SeeAsync(client, "/dead-letters/letters?q=source:billing", ForeignApplication.Invoices);
        (await client.GetAsync("/dead-letters/letters?q=source:billing")).Text.ShouldContain("The invoice has no tax number");
        File.Exists(Path.Combine(folder.Path, "Support", "bin", "Debug", "net10.0", "dead-letters.db")).ShouldBeTrue(); // where it runs
    }

    [Fact]
    public async Task Program_of_the_library_replays_a_cause_and_the_application_with_the_package_reports_that_it_handled_the_messages()
    {
        await using var other = new ForeignApplication(); // it replays
        await other.InitializeAsync();
        var (shop, management) = (other.Shop.ConnectionString("operator"), other.Management);
        using var orders = await packages.CreateFolderAsync();
        using var replay = await packages.CreateFolderAsync();
        var program = await new Reader("src/DeadLetters/README.md", shop, management).BuildAsync(replay);
        await using var application = HostedProgram.Start(await new Reader("src/DeadLetters.MassTransit/README.md", shop, management).BuildAsync(orders));
        await Eventually.SeeAsync(
            async () => (await other.Shop.ManagementAsync("queues/{vhost}/PlaceOrder")).TryGetProperty("consumers", out var consumers) && consumers.GetInt32() > 0, found => found, "the application consumes", TimeSpan.FromMinutes(2));

        var replayed = await replay.RunAsync("", "dotnet", [program]);

        replayed.ShouldSucceed();
        foreach (var (queue, count) in ForeignApplication.Letters)
            replayed.Output.ShouldContain($"{queue}: {count}");
        Handled().Count(replayed.Output).ShouldBe(2, replayed.Output);
        (await other.Shop.ReadyAsync("PlaceOrder_error")).ShouldBe(0);
    }

    private Reader ReaderOf(string package) => new($"src/{package}/README.md", application.Shop.ConnectionString("operator"), application.Management);

    // A browser that opens the pages is sent to the sign-in of the program, and back.
    private static async Task EnterAsync(HostedProgram host, PageClient client)
    {
        await host.SeeAsync(client, "/dead-letters", "");
        var toSignIn = await client.GetAsync("/dead-letters");
        var back = await client.GetAsync(new Uri(toSignIn.Location!).PathAndQuery);
        back.Location.ShouldBe("/dead-letters");
    }

    [GeneratedRegex(@"// [1-4]: ")]
    private static partial Regex Numbered();

    [GeneratedRegex("^[0-9a-f-]{36}: Handled$", RegexOptions.Multiline)]
    private static partial Regex Handled();
}
