using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

public sealed class SelectedMessageTests
{
    private const int Count = 4000;
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Operation_on_messages_selected_by_id_reads_no_further_than_the_last_of_them(string type)
    {
        await using var orders = await Orders.CreateAsync(type);
        await orders.PutFaultsAsync(Count);
        var all = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, Count, "jane", _none)).Letters.Select(letter => letter.Id).ToList();
        string[] selected = [.. all.Skip(5).Take(20)];
        var request = new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById(selected), By = "jane" };

        var examined = new Most();
        var plan = await orders.Client.PlanAsync(request, examined, _none);
        plan.Replayed.Select(message => message.Id).ShouldBe(selected);
        examined.Value.ShouldBeInRange(25, Count / 2);

        examined = new Most();
        (await orders.Client.ReplayAsync(request with { Expected = 20, Wait = TimeSpan.Zero }, examined, _none)).Done.ShouldBe(20);
        examined.Value.ShouldBeInRange(25, Count / 2);
        (await ListAsync(orders)).ShouldBe(all.Where((_, i) => i is < 5 or >= 25));

        examined = new Most();
        (await orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById(all.Take(3)), By = "jane" }, examined, _none)).Done.ShouldBe(3);
        examined.Value.ShouldBeInRange(3, Count / 2);
        (await ListAsync(orders)).ShouldBe(all.Where((_, i) => i is >= 3 and < 5 or >= 25));
    }

    [Fact]
    public async Task Selection_by_MessageId_reads_all_because_two_dead_letters_may_have_the_same_one()
    {
        await using var orders = await Orders.CreateAsync();
        var id = (await orders.PutFaultsAsync(Count))[0];
        await orders.PutAsync(Orders.Faulted(id), Orders.Envelope(id, """{ "number": "again" }"""));
        await orders.SeeAsync(Orders.Error, Count + 1);

        (await orders.Client.ReplayAsync(
            new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById(id.ToString()), By = "jane", Wait = TimeSpan.Zero }, null, _none)).Done.ShouldBe(2);
    }

    private static async Task<IEnumerable<string>> ListAsync(Orders orders) =>
        (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, Count, "jane", _none)).Letters.Select(letter => letter.Id);

    private sealed class Most : IProgress<OperationProgress>
    {
        public long Value { get; private set; }

        public void Report(OperationProgress value) => Value = Math.Max(Value, value.Examined);
    }
}
