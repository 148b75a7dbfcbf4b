using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What operators note about causes is kept, with its history, and each change is in the audit log without the free text.</summary>
public sealed class TriageStoreTests : IAsyncDisposable
{
    private readonly NotificationDatabase _database = new();
    private readonly NotificationHost _host;

    public TriageStoreTests() => _host = new NotificationHost(_database);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Notes_of_an_operator_are_kept_with_their_history_and_their_audit()
    {
        var noon = _database.Time.GetUtcNow();
        await SetAsync(new TriageChange.Acknowledge());
        await SetAsync(new TriageChange.MuteUntil(noon.AddHours(1)));
        await SetAsync(TriageInput.Describe(" Jane Roe ", "call jane.roe@example.com", "https://tickets.example.com/7"));
        _database.Time.Advance(TimeSpan.FromMinutes(1));
        await SetAsync(TriageInput.MuteUntilVersion("2.4.1"));

        var triage = await GetAsync();
        triage.Acknowledged.ShouldBe(new Stamp("ann", noon));
        triage.Mute.ShouldBe(new Mute(new Stamp("ann", noon.AddMinutes(1)), null, "2.4.1"));
        (triage.Owner, triage.Note, triage.Link).ShouldBe(("Jane Roe", "call jane.roe@example.com", "https://tickets.example.com/7"));

        var history = await _host.Triage.HistoryAsync("a", 10, default);
        history.Select(entry => (entry.Verb, entry.By)).ShouldBe([("mute", "ann"), ("note", "ann"), ("mute", "ann"), ("acknowledge", "ann")]);
        history[0].Text.ShouldBe("until version 2.4.1");
        history[1].Text.ShouldBe("Owner: Jane Roe\ncall jane.roe@example.com\nhttps://tickets.example.com/7");
        history[2].Text.ShouldBe("until 2026-01-02 13:00 UTC");

        var audit = await new AuditFile(_database.AuditPath).ReadAsync("orders_error", 10, default);
        audit.Select(entry => entry.Verb).ShouldBe(["mute", "note", "mute", "acknowledge"], ignoreOrder: true);
        audit.ShouldAllBe(entry => entry.By == "ann" && entry.Filter == "cause=a" && entry.EndedAt != null && entry.Done == 1);
        (await File.ReadAllTextAsync(_database.AuditPath)).ShouldSatisfyAllConditions(it => it.ShouldNotContain("jane", Case.Insensitive), it => it.ShouldNotContain("tickets"));
    }

    [Fact]
    public async Task Acknowledgement_and_mute_are_taken_back()
    {
        await SetAsync(new TriageChange.Acknowledge());
        await SetAsync(new TriageChange.MuteUntil(_database.Time.GetUtcNow().AddHours(1)));
        await SetAsync(new TriageChange.Unacknowledge());
        await SetAsync(new TriageChange.Unmute());
        (await GetAsync()).ShouldBe(new CauseTriage("a"));
    }

    [Fact]
    public async Task Nothing_is_changed_if_the_audit_log_cannot_be_written()
    {
        await using var catalogue = CatalogueStore.Open(_database.Options, _database.Time);
        var store = new TriageStore(_database.Options, new OpenCatalogue(Task.FromResult(catalogue)), new FullDisk(), _database.Time);
        (await Should.ThrowAsync<DeadLetterException>(() => store.SetAsync("a", new TriageChange.Acknowledge(), "ann", "", default))).Problem.ShouldBe(DeadLetterProblem.Audit);
        (await GetAsync()).Acknowledged.ShouldBeNull();
        (await store.HistoryAsync("a", 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Triage_of_each_asked_cause_is_returned_also_of_many()
    {
        await SetAsync(new TriageChange.Acknowledge());
        var all = await _host.Triage.GetAsync(["a", .. Enumerable.Range(0, 1200).Select(number => $"c{number}"), "a"], default);
        all.Count.ShouldBe(1201);
        all.Values.Where(triage => triage.Acknowledged is not null).ShouldHaveSingleItem().Cause.ShouldBe("a");
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData(" JavaScript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("//example.com")]
    [InlineData("/queues")]
    [InlineData("file:///etc/passwd")]
    public void Link_that_is_not_a_web_address_is_refused(string link) =>
        Should.Throw<FormatException>(() => TriageInput.Describe(null, null, link)).Message.ShouldStartWith("Link: ");

    [Theory]
    [InlineData("")]
    [InlineData("Jane's release")]
    [InlineData("2.4\n2.5")]
    public void Version_that_is_a_free_text_is_refused(string version) =>
        Should.Throw<FormatException>(() => TriageInput.MuteUntilVersion(version)).Message.ShouldStartWith("Version: ");

    [Fact]
    public void Text_that_is_too_long_is_refused_with_the_name_of_its_field()
    {
        Should.Throw<FormatException>(() => TriageInput.Describe(new string('x', 101), null, null)).Message.ShouldStartWith("Owner: ");
        Should.Throw<FormatException>(() => TriageInput.Describe(null, new string('x', 4001), null)).Message.ShouldStartWith("Note: ");
        Should.Throw<FormatException>(() => TriageInput.Describe(null, null, "https://example.com/" + new string('x', 2000))).Message.ShouldStartWith("Link: ");
    }

    private Task SetAsync(TriageChange change) => _host.Triage.SetAsync("a", change, "ann", "orders_error", default);

    private async Task<CauseTriage> GetAsync() => (await _host.Triage.GetAsync(["a"], default))["a"];

    private sealed class FullDisk : IAuditLog
    {
        public Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken) => throw new IOException("No space left on device");

        public Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken) => throw new IOException("No space left on device");
    }
}
