using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

public sealed class AnswerCacheTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AnswerCache<string, string> _cache;

    public AnswerCacheTests() => _cache = new(_time, TimeSpan.Zero, pause: 1);

    [Fact]
    public async Task Reader_who_may_see_an_older_answer_waits_only_a_moment_for_a_new_one_and_learns_the_version()
    {
        (await OlderAsync(1, Task.FromResult("first"))).ShouldBe(("first", 1));
        var slow = new TaskCompletionSource<string>();

        var older = OlderAsync(2, slow.Task);
        _time.Advance(TimeSpan.FromMilliseconds(49));
        older.IsCompleted.ShouldBeFalse();
        await Eventually.SeeAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
                return Task.FromResult(older.IsCompleted);
            },
            isCompleted => isCompleted, "the older answer is returned");

        (await older).ShouldBe(("first", 1));
        slow.SetResult("second");
        (await ExactAsync(2, slow.Task)).ShouldBe(("second", 2)); // begun by the reader before
    }

    [Fact]
    public async Task Reader_who_may_see_an_older_answer_gets_the_new_one_if_it_takes_no_time()
    {
        await OlderAsync(1, Task.FromResult("first"));
        (await OlderAsync(2, Task.FromResult("second"))).ShouldBe(("second", 2));
    }

    [Fact]
    public async Task Answer_that_nobody_has_read_for_a_while_is_not_returned_any_more()
    {
        await OlderAsync(1, Task.FromResult("first"));
        _time.Advance(TimeSpan.FromSeconds(6));
        var slow = new TaskCompletionSource<string>();

        var newer = OlderAsync(2, slow.Task);
        _time.Advance(TimeSpan.FromSeconds(1));
        slow.SetResult("second");

        (await newer).ShouldBe(("second", 2));
    }

    [Fact]
    public async Task Reader_who_needs_the_exact_answer_waits_for_it()
    {
        await OlderAsync(1, Task.FromResult("first"));
        var slow = new TaskCompletionSource<string>();

        var exact = ExactAsync(2, slow.Task);
        _time.Advance(TimeSpan.FromSeconds(1));
        slow.SetResult("second");

        (await exact).ShouldBe(("second", 2));
    }

    private Task<(string Answer, long Version)> OlderAsync(long version, Task<string> answer) => _cache.GetAsync("query", version, () => answer, mayBeOlder: true, default);

    private Task<(string Answer, long Version)> ExactAsync(long version, Task<string> answer) => _cache.GetAsync("query", version, () => answer, mayBeOlder: false, default);
}
