using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters.Server.Local;

namespace WorkinIt.Tests.Serve;

public sealed class AccessLinkTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Token_works_once_and_the_next_one_differs()
    {
        var link = new AccessLink(_time);
        var token = link.Token;
        token.Length.ShouldBe(64);
        link.Token.ShouldBe(token); // unused

        link.TryUse(token).ShouldBeTrue();

        link.TryUse(token).ShouldBeFalse();
        link.Token.ShouldNotBe(token);
        link.TryUse(token).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("ü")]
    public void Another_text_is_refused_and_leaves_the_token_unused(string other)
    {
        var link = new AccessLink(_time);
        var token = link.Token;

        link.TryUse(other).ShouldBeFalse();
        link.TryUse(token[1..]).ShouldBeFalse();
        link.TryUse(token.ToUpperInvariant() + "0").ShouldBeFalse();

        link.TryUse(token).ShouldBeTrue();
    }

    [Fact]
    public void No_token_is_accepted_before_a_link_was_shown() => new AccessLink(_time).TryUse("").ShouldBeFalse();

    [Fact]
    public void Unused_link_is_shown_again_after_a_minute_only_and_a_used_one_is_replaced_at_once()
    {
        var link = new AccessLink(_time);
        link.IsDue().ShouldBeTrue();
        var token = link.Token;
        link.IsDue().ShouldBeFalse();
        _time.Advance(TimeSpan.FromMinutes(1));
        link.IsDue().ShouldBeTrue();
        link.Token.ShouldBe(token);
        link.IsDue().ShouldBeFalse();

        link.TryUse(token);

        link.IsDue().ShouldBeTrue();
    }

    [Fact]
    public async Task Of_many_browsers_at_once_one_gets_access()
    {
        var link = new AccessLink(_time);
        var token = link.Token;

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => link.TryUse(token))));

        answers.Count(entered => entered).ShouldBe(1);
    }
}
