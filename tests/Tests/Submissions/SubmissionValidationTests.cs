using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

public sealed class SubmissionValidationTests
{
    [Theory]
    [InlineData("jane@example.com", "jane@example.com")]
    [InlineData("  jane@example.com ", "jane@example.com")]
    [InlineData("j.o'neill+tag@sub.example.co.uk", "j.o'neill+tag@sub.example.co.uk")]
    [InlineData("\u00a0jane@example.com\u202f", "jane@example.com")]
    [InlineData("\ufeffjane@example.com\u200b\t\r\n", "jane@example.com")]
    [InlineData("jane@BÜCHER.example", "jane@xn--bcher-kva.example")]
    [InlineData("jane@例え.テスト", "jane@xn--r8jz45g.xn--zckzah")]
    public void Valid_email_address_is_accepted_with_its_domain_in_ASCII(string typed, string taken)
    {
        NewSubmission.TryCreate(typed, "a thought", out var submission, out _).ShouldBeTrue();
        submission!.Email.ShouldBe(taken);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("jane")]
    [InlineData("jane@")]
    [InlineData("@example.com")]
    [InlineData("jane@localhost")]
    [InlineData("jane@127.0.0.1")]
    [InlineData("jane@[127.0.0.1]")]
    [InlineData("jane@example.com, joe@example.com")]
    [InlineData("jane@example.com;joe@example.com")]
    [InlineData("jane@example.com joe@example.com")]
    [InlineData("Jane <jane@example.com>")]
    [InlineData("<jane@example.com>")]
    [InlineData("\"jane doe\"@example.com")]
    [InlineData("jane@example.com\r\nBcc: joe@example.com")]
    [InlineData("jane\r\n@example.com")]
    [InlineData("jane\0@example.com")]
    [InlineData("jane\u202e@example.com")]
    [InlineData("jäne@example.com")]
    [InlineData("ja..ne@example.com")]
    [InlineData(".jane@example.com")]
    [InlineData("jane@exa_mple.com")]
    [InlineData("jane@-example.com")]
    [InlineData("jane@example..com")]
    [InlineData("jane@\ud800.example")]
    [InlineData("jane@example.com@example.com")]
    public void Invalid_email_address_is_rejected_with_the_name_of_its_field(string? typed)
    {
        NewSubmission.TryCreate(typed, "a thought", out _, out var errors).ShouldBeFalse();
        errors.Keys.ShouldBe(["email"]);
    }

    [Theory]
    [InlineData("jane\u00a0@example.com", "U+00A0")]
    [InlineData("ja\u200bne@example.com", "U+200B")]
    [InlineData("jane@exa\u00admple.com,", "U+00AD")]
    [InlineData("jane@example.com\tjoe@example.com", "U+0009")]
    public void Invisible_character_in_an_email_address_is_named_in_the_error(string typed, string character)
    {
        NewSubmission.TryCreate(typed, "a thought", out _, out var errors).ShouldBeFalse();
        errors["email"].Single().ShouldContain($"an invisible character ({character})");
    }

    [Fact]
    public void Accented_letter_before_the_at_sign_is_explained_in_the_error()
    {
        NewSubmission.TryCreate("jäne@example.com", "a thought", out _, out var errors).ShouldBeFalse();
        errors["email"].Single().ShouldStartWith("Before the @,");
    }

    [Fact]
    public void An_address_of_320_characters_is_too_long()
    {
        var address = $"{new string('a', 64)}@{string.Join('.', Enumerable.Repeat(new string('b', 62), 4))}.com";
        address.Length.ShouldBe(320);
        NewSubmission.TryCreate(address, "a thought", out _, out var errors).ShouldBeFalse();
        errors["email"].Single().ShouldContain("254");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("<script>alert('hello')</script> & \"quotes\"")]
    [InlineData("😀👨‍👩‍👧 family")]
    [InlineData("שלום עולם, مرحبا")]
    [InlineData("two\nlines\tand a tab")]
    [InlineData("  blanks around  ")]
    public void Valid_thought_is_accepted_unchanged(string thought)
    {
        NewSubmission.TryCreate("jane@example.com", thought, out var submission, out _).ShouldBeTrue();
        submission!.Thought.ShouldBe(thought);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t")]
    [InlineData("\u200B")] // a zero-width space
    [InlineData("\u200E \u2060\uFEFF")]
    public void Blank_or_invisible_thought_is_rejected(string thought)
    {
        NewSubmission.TryCreate("jane@example.com", thought, out _, out var errors).ShouldBeFalse();
        errors["thought"].Single().ShouldContain("Enter a thought");
    }

    [Fact]
    public void Line_breaks_in_a_thought_are_normalized()
    {
        NewSubmission.TryCreate("jane@example.com", "a\r\nb\rc\nd", out var submission, out _).ShouldBeTrue();
        submission!.Thought.ShouldBe("a\nb\nc\nd");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \r\n\t ")]
    [InlineData("a\0b")]
    [InlineData("a\u001b[31mb")]
    [InlineData("a\u0085b\u0007")]
    [InlineData("half a pair: \ud83d")]
    [InlineData("not \ufffd UTF-8")]
    public void Thought_that_a_mail_cannot_contain_is_rejected_with_the_name_of_its_field(string? thought)
    {
        NewSubmission.TryCreate("jane@example.com", thought, out _, out var errors).ShouldBeFalse();
        errors.Keys.ShouldBe(["thought"]);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("😀")]
    public void Thought_may_have_at_most_five_hundred_characters(string character)
    {
        var most = string.Concat(Enumerable.Repeat(character, 500));
        NewSubmission.TryCreate("jane@example.com", most, out _, out _).ShouldBeTrue();
        NewSubmission.TryCreate("jane@example.com", most + character, out _, out var errors).ShouldBeFalse();
        errors["thought"].Single().ShouldContain("501");
    }

    [Fact]
    public void Error_names_both_fields_when_address_and_thought_are_invalid()
    {
        NewSubmission.TryCreate("", "", out _, out var errors).ShouldBeFalse();
        errors.Keys.ShouldBe(["email", "thought"]);
    }
}
