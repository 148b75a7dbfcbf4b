using MimeKit;
using WorkinIt.Consumers.Mail;

namespace WorkinIt.Tests.Mail;

public sealed class TheServersReply
{
    [Theory]
    [InlineData("jane@example.com", "5.1.1 <jane@example.com>: user unknown")]
    [InlineData("jane@example.com", "5.1.1 JANE@EXAMPLE.COM unknown")]
    [InlineData("jane@example.com", "no such user jane here")]
    [InlineData("jane@xn--bcher-kva.example", "unknown: jane@bücher.example")]
    [InlineData("jane@example.com", "forwarded to jdoe@internal.example, which is full")]
    [InlineData("jane@example.com", "two\r\nlines for\tjane@example.com")]
    public void Has_no_address_left_and_stays_on_one_line(string recipient, string reply)
    {
        var text = ServerReply.Without(MailboxAddress.Parse(recipient), reply);
        text.ShouldNotContain("jane", Case.Insensitive);
        text.ShouldNotContain("@");
        text.ShouldNotContain("\n");
    }

    [Fact]
    public void Keeps_what_an_operator_needs() =>
        ServerReply.Without(MailboxAddress.Parse("al@example.com"), "4.7.1 greylisted, although <al@example.com> is known")
            .ShouldBe("4.7.1 greylisted, although <[recipient]> is known");
}
