using WorkinIt.Deliveries;

namespace WorkinIt.Tests.OptOuts;

public sealed class UnsubscribeTokenTests
{
    private const string Address = "jane@example.com";

    [Fact]
    public void Unsubscribe_token_identifies_the_recipient_and_contains_no_address()
    {
        var token = TestOptOuts.Tokens.For(Address);
        TestOptOuts.Tokens.TryRead(token, out var name).ShouldBeTrue();
        name.ShouldBe(TestOptOuts.Tokens.NameOf(Address));
        token.ShouldMatch("^[A-Za-z0-9_-]{64}$");
        TestOptOuts.Tokens.For("john@example.com").ShouldNotBe(token);
    }

    /// <summary>Mails stay in inboxes for years, so each later version must accept the tokens of this one.</summary>
    [Fact]
    public void Unsubscribe_token_stays_the_same_across_restarts_and_versions()
    {
        TestOptOuts.With("for a developer’s machine only, and nowhere else").For(Address).ShouldBe("04ehusQo5xAWrFAzKAeg-YIFNn9txwdkBx3JhO8MzB3Arg2Z7z8-47wQ8ITr3jaC");
        TestOptOuts.With("for a developer’s machine only, and nowhere else").NameOf(Address).ShouldBe("d387a1bac428e71016ac50332807a0f98205367f6dc70764071dc984ef0ccc1d");
    }

    [Fact]
    public void Unsubscribe_token_with_one_changed_character_is_invalid()
    {
        var token = TestOptOuts.Tokens.For(Address);
        for (var i = 0; i < token.Length; i++)
        {
            var changed = token.Remove(i, 1).Insert(i, token[i] == 'A' ? "B" : "A");
            TestOptOuts.Tokens.TryRead(changed, out _).ShouldBeFalse($"character {i}");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("jane@example.com")]
    [InlineData("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("                                                                ")]
    public void Unsubscribe_token_that_was_never_issued_is_invalid(string? token) => TestOptOuts.Tokens.TryRead(token, out _).ShouldBeFalse();

    [Fact]
    public void Truncated_or_extended_unsubscribe_token_is_invalid()
    {
        var token = TestOptOuts.Tokens.For(Address);
        TestOptOuts.Tokens.TryRead(token[..^1], out _).ShouldBeFalse();
        TestOptOuts.Tokens.TryRead(token + "A", out _).ShouldBeFalse();
        TestOptOuts.Tokens.TryRead(token[..^1] + " ", out _).ShouldBeFalse();
    }

    [Fact]
    public void Unsubscribe_token_made_with_another_secret_is_invalid()
    {
        var other = TestOptOuts.With("another secret of the tests, as long as that one");
        TestOptOuts.Tokens.TryRead(other.For(Address), out _).ShouldBeFalse();
        other.NameOf(Address).ShouldNotBe(TestOptOuts.Tokens.NameOf(Address));
    }

    [Theory]
    [InlineData("jane@example.com", "Jane@EXAMPLE.com")]
    [InlineData("jane@example.com", " jane@example.com ")]
    [InlineData("jane@example.com", "jane+gifs@example.com")]
    [InlineData("jane@bücher.example", "jane@xn--bcher-kva.example")]
    public void Spellings_of_one_mailbox_share_one_unsubscribe_token(string one, string other)
    {
        TestOptOuts.Tokens.For(other).ShouldBe(TestOptOuts.Tokens.For(one));
        Recipient.HashOf(other).ShouldBe(Recipient.HashOf(one));
    }

    [Theory]
    [InlineData("jane@example.com", "jane@example.org")]
    [InlineData("jane@example.com", "j.ane@example.com")] // only the mail server knows whether both are the same mailbox
    [InlineData("+jane@example.com", "+john@example.com")]
    public void Different_mailboxes_have_different_unsubscribe_tokens(string one, string other) => TestOptOuts.Tokens.For(other).ShouldNotBe(TestOptOuts.Tokens.For(one));
}
