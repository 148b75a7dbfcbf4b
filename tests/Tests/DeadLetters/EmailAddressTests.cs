using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Email addresses by the grammar of RFC 5321, 5322 and 6531, and with the forms of the @ that people and programs write.</summary>
public sealed class EmailAddressTests
{
    [Theory]
    [InlineData("jane@example.com")]
    [InlineData("o'neill@example.com")]
    [InlineData("jane.doe+tag/x=y@sub.example.co.uk")]
    [InlineData("!#$%&'*+-/=?^_`{|}~@example.com")]
    [InlineData("\"john doe\"@example.com")]
    [InlineData("\"a\\\"b@c\"@example.com")]
    [InlineData("\"<,;:>\"@example.com")]
    [InlineData("jane@[192.0.2.1]")]
    [InlineData("jane@[IPv6:2001:db8::1]")]
    [InlineData("jörg@bücher.example")]
    [InlineData("用户@例子。广告")]
    [InlineData("jane＠example.com")]
    [InlineData("eve%40host")]
    [InlineData("jane\\u0040example.com")]
    [InlineData("jane&#64;example.com")]
    [InlineData("a@b")]
    public void Email_address_in_a_text_is_found_masked_and_replaced_by_a_placeholder_in_the_cause(string address)
    {
        EmailAddresses.IsOne(address).ShouldBe(address[0] is not ('!' or '`') || address.Length > 1, address);
        foreach (var (before, after) in new[] { ("", ""), ("Mailbox ", " is full"), ("<", ">"), ("to: ", ", and more"), ("(", ")."), ("550 ", ".") })
        {
            var text = before + address + after;
            EmailAddresses.Replace(text, _ => "{address}").ShouldBe($"{before}{{address}}{after}");
            Masking.Text(text).ShouldSatisfyAllConditions(
                it => it.ShouldNotContain(address),
                it => it.ShouldContain("…@"),
                it => it.ShouldStartWith(before),
                it => it.ShouldEndWith(after));
        }
        CauseText.Of($"Mailbox {address} is full").ShouldBe("Mailbox {address} is full");
        Masking.Value(address).ShouldNotContain(address[1..]);
    }

    [Theory]
    [InlineData("'jane@example.com' is unknown", "'{address}' is unknown")]
    [InlineData("{\"email\":\"jane@example.com\"}", "{\"email\":\"{address}\"}")]
    [InlineData("{\\\"to\\\":\\\"jane@example.com\\\"}", "{\\\"to\\\":\\\"{address}\\\"}")]
    [InlineData("a@b.example,c@d.example;e@f.example", "{address},{address};{address}")]
    [InlineData("\\\"john doe\\\"@example.com", "{address}")]
    public void Email_address_ends_where_the_surrounding_text_begins(string text, string replaced) => EmailAddresses.Replace(text, _ => "{address}").ShouldBe(replaced);

    [Theory]
    [InlineData("no address @ all")]
    [InlineData("100%40")]
    [InlineData("@example.com")]
    [InlineData("jane@")]
    [InlineData("&amp; 5% off")]
    public void Text_that_only_resembles_an_email_address_is_not_matched(string text) => EmailAddresses.In(text).ShouldBeEmpty();

    [Theory]
    [InlineData("to=jane@example.com", "jane@example.com")]
    [InlineData("https://host/?to=eve%2Bx%40example.com", "eve+x@example.com")]
    [InlineData("\"jane\"@example.com", "jane@example.com")]
    [InlineData("jane＠example。com", "jane@example.com")]
    [InlineData("mailto/o'neill@example.com", "o'neill@example.com")]
    public void Ambiguous_email_address_is_found_in_every_possible_reading(string text, string address) =>
        EmailAddresses.In(text).SelectMany(found => found.Readings).ShouldContain(address);

    [Fact]
    public void Email_addresses_in_a_long_text_are_found_in_linear_time()
    {
        var text = string.Concat(Enumerable.Repeat("%\\&\"'aaaaaaaaaaaaaaaaaaaaaaaaaaa", 20_000)) + "@example.com";
        EmailAddresses.In(text).Count().ShouldBe(1);
        EmailAddresses.In(string.Concat(Enumerable.Repeat("a@b\"@", 100_000))).Count().ShouldBeGreaterThan(10_000);
    }
}
