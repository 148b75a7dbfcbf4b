using System.Net;
using System.Net.Http.Json;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

public sealed class TwoInstances
{
    [Fact]
    public async Task Two_of_each_on_one_PostgreSQL_mail_everything_once()
    {
        const int count = 100;
        await using var postgres = await PostgresServer.CreateAsync();
        var (system, web, _) = await WorkinItSystem.StartAsync(
            ("ConnectionStrings__Submissions", postgres.ConnectionString), ("ConnectionStrings__Deliveries", postgres.ConnectionString));
        await using var s = system;
        var (otherWeb, otherConsumers) = (system.NewWeb(), system.NewConsumers());
        await Task.WhenAll(otherWeb.StartAsync(), otherConsumers.StartAsync());

        // Each submission goes to both, as from a client that lost its first answer.
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
    }
}
