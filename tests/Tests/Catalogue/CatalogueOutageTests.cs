using System.Diagnostics;
using System.Net;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The pages when the catalogue's database can't be used.</summary>
public sealed class CatalogueOutageTests
{
    public static TheoryData<string> Databases => ["Data Source=/dev/null/catalogue.db", "Host=192.0.2.1;Database=a;Username=a;Password=a"];

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task Pages_say_that_the_catalogue_is_away_read_the_queues_and_do_not_hang(string database)
    {
        await using var site = await CatalogueSite.StartAsync(database);
        using var client = new PageClient(site.Address);

        foreach (var path in new[] { "", "/letters", "/queues/orders_error/letters/0123456789abcdef" })
        {
            var watch = Stopwatch.StartNew();
            var page = await client.GetAsync("/dead-letters" + path);

            page.Text.ShouldContain("The broker is unreachable"); // the queues were read instead; here, nothing answers
            page.Text.ShouldContain("This page reads the queues instead");
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(15), path);
        }
        (await client.PostAsync("/dead-letters/letters/replay", ("all", "true"))).Text.ShouldContain("Nothing was done");
        var audit = await client.GetAsync("/dead-letters/audit");
        audit.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        audit.Text.ShouldContain("The audit log can’t be used");
        audit.Text.ShouldContain("which holds the audit log, is not ready");
    }
}
