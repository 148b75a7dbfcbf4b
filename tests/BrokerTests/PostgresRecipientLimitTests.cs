using WorkinIt.Contracts;
using WorkinIt.Storage;
using WorkinIt.Testbed;
using WorkinIt.Web.Submissions;

namespace WorkinIt.BrokerTests;

/// <summary>On PostgreSQL, several instances of Web with several writers each add submissions; every writer counts before it adds.</summary>
[Trait("broker", "any")] // tests PostgreSQL only
public sealed class PostgresRecipientLimitTests
{
    [Fact]
    public async Task Parallel_submissions_to_one_recipient_do_not_pass_the_limit()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        Database.TryParse(postgres.ConnectionString, out var database, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(database, typeof(CreateSubmissions).Assembly);
        await using var first = new GroupCommit(database);
        await using var second = new GroupCommit(database);
        SubmissionStore[] instances = [new(database, first, TimeProvider.System), new(database, second, TimeProvider.System)];

        for (var round = 0; round < 10; round++)
        {
            var recipients = new[] { $"jane{round}@example.com", $"joe{round}@example.com" };
            var answers = await Task.WhenAll(Enumerable.Range(0, 80).Select(async number =>
            {
                var command = new SendGifEmail(Guid.CreateVersion7(), recipients[number % 2], "hello", DateTimeOffset.UtcNow);
                return (command.EmailAddress, Addition: await instances[number / 2 % 2].AddAsync(command, CancellationToken.None, perRecipientPerHour: 5));
            }));

            foreach (var recipient in recipients)
                answers.Count(it => it.EmailAddress == recipient && it.Addition == Addition.Added).ShouldBe(5, $"round {round}, {recipient}");
        }
    }
}
