using System.Net;
using System.Net.Http.Json;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

[Trait("broker", "any")] // tests two instances on one PostgreSQL; EndToEndTests covers the broker on each version
public sealed class MultipleInstanceTests
{
    [Fact]
    public async Task Two_instances_of_Web_and_Consumers_on_one_PostgreSQL_send_all_mails_once()
    {
        const int count = 100;
        await using var postgres = await PostgresServer.CreateAsync();
        var (system, web, _) = await WorkinItSystem.StartAsync(
            ("ConnectionStrings__Submissions", postgres.ConnectionString), ("ConnectionStrings__Deliveries", postgres.ConnectionString));
        await using var s = system;
        var (otherWeb, otherConsumers) = (system.NewWeb(), system.NewConsumers());
        await Task.WhenAll(otherWeb.StartAsync(), otherConsumers.StartAsync());

        // Each submission goes to both instances, as from a client that lost the first answer and retries.
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) =>
        {
            var key = Guid.NewGuid();
            foreach (var instance in new[] { web, otherWeb })
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = JsonContent.Create(new { email = $"person{number}@example.com", thought = "twice told" }) };
                request.Headers.Add("Idempotency-Key", key.ToString());
                using var response = await instance.Http.SendAsync(request, CancellationToken.None);
                response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
                response.Headers.Location!.ToString().ShouldEndWith(key.ToString());
            }
        });

        await system.SeeMailsAsync(count);
        await system.SeeReadyAsync("send-gif-email", 0);
        system.Mail.DeliveriesById.Count.ShouldBe(count);
        system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
        (web.Log + otherWeb.Log).ShouldNotContain("is not confirmed by the broker");
    }

    [Fact]
    public async Task Open_submission_page_updates_automatically_on_PostgreSQL()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await using var system = await WorkinItSystem.CreateAsync();
        (system.Settings["ConnectionStrings__Submissions"], system.Settings["ConnectionStrings__Deliveries"]) = (postgres.ConnectionString, postgres.ConnectionString);
        await system.PrepareAsync();
        var (web, consumers) = (system.NewWeb(), system.NewConsumers());
        await web.StartAsync();
        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "watched");
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await using var events = await web.Http.GetStreamAsync($"/submissions/{id}/events", timeout.Token);
        using var lines = new StreamReader(events);
        (await lines.ReadLineAsync(timeout.Token)).ShouldBe("event: status"); // the current status: not sent, because no Consumers run
        await consumers.StartAsync();
        (await lines.ReadToEndAsync(timeout.Token)).ShouldContain("\"state\":\"sent\"");
        // A health check may have logged that the service has not started yet.
        web.Log.Split('\n').Where(line => line.Contains(" ERR ", StringComparison.Ordinal) && !line.Contains("HealthChecks", StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
