using System.Diagnostics;
using System.Globalization;
using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>docs/adopt.md and the README of the command, followed on a machine that has only the .NET SDK: from nothing to the board over the dead letters of a foreign application.</summary>
public sealed class FiveMinuteTests(Packages packages, ForeignApplication application) : IClassFixture<ForeignApplication>
{
    [Fact]
    public async Task Commands_of_the_page_lead_from_nothing_to_the_board_over_a_foreign_application_within_five_minutes()
    {
        using var home = await packages.CreateFolderAsync();
        var clock = Stopwatch.StartNew();
        await using var serve = Follow("docs/adopt.md", home, application.Shop, []);
        using var client = await serve.EnterAsync();
        var total = ForeignApplication.Letters.Values.Sum();
        var board = await Eventually.SeeAsync(
            () => client.GetAsync("/dead-letters"), page => page.Text.Contains($"Dead letters {total} ", StringComparison.Ordinal), $"the board shows {total} dead letters", TimeSpan.FromMinutes(5));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"From nothing to the board: {clock.Elapsed.TotalSeconds:0.0} s"));
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromMinutes(5));

        foreach (var cause in new[] { "TimeoutException", "UnhandledEventException", "WorkException", "InvalidOperationException" }) // consumer; saga; batch and raw JSON; routing slip
            board.Text.ShouldContain(cause);
        var queues = await client.GetAsync("/dead-letters/queues");
        foreach (var queue in ForeignApplication.Letters.Keys)
            queues.Text.ShouldContain(queue);
        (await client.GetAsync("/dead-letters/assets/board.js")).Status.ShouldBe(HttpStatusCode.OK);
        foreach (var (queue, count) in ForeignApplication.Letters)
            (await application.Shop.ReadyAsync(queue)).ShouldBe(count, queue); // to look takes nothing off a queue

        (await serve.InterruptAsync()).ShouldBe(0);
        var bindings = await application.Shop.ManagementAsync("queues/{vhost}/dead-letters.feed/bindings");
        bindings.EnumerateArray().Select(binding => binding.GetProperty("source").GetString()).ShouldBe([""]); // as the page says: only that of the default exchange is left
    }

    [Fact]
    public async Task Readme_of_the_command_leads_to_dead_letter_queues_with_other_names_in_another_virtual_host()
    {
        using var home = await packages.CreateFolderAsync();
        await using var serve = Follow("src/Cli/README.md", home, application.Billing, new Dictionary<string, string> { ["DeadLetters__Queues"] = "*.dlq" });
        using var client = await serve.EnterAsync();

        await Eventually.SeeAsync(() => client.GetAsync("/dead-letters"), page => page.Text.Contains("Dead letters 3 ", StringComparison.Ordinal), "the board shows 3 dead letters", TimeSpan.FromMinutes(2));

        (await client.GetAsync("/dead-letters/letters")).Text.ShouldContain(ForeignApplication.Invoices);
    }

    // The commands as they are, except for what the test decides: the broker, its management API, and a free port.
    private ServeProcess Follow(string page, PackedFolder home, TestVirtualHost virtualHost, Dictionary<string, string> settings)
    {
        var commands = new Reader(page, virtualHost.ConnectionString("operator"), application.Management).Commands;
        commands.ShouldContain("\nworkinit dead-letters serve\n");
        // With exec, Ctrl-C reaches the tool, as in a terminal.
        home.Write("follow.sh", commands.Replace("\nworkinit dead-letters serve\n", $"\nexec workinit dead-letters serve --management {application.Management} --port 0\n", StringComparison.Ordinal));
        foreach (var (name, value) in home.Settings)
            settings[name] = value;
        settings["HOME"] = home.Path; // where the tool is installed, and nothing else is
        return ServeProcess.Start("bash", ["-e", Path.Combine(home.Path, "follow.sh")], settings);
    }
}
