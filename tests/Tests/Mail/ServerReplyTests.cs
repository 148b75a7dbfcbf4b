using MimeKit;
using WorkinIt.Consumers.Mail;

namespace WorkinIt.Tests.Mail;

public sealed class ServerReplyTests
{
    [Theory]
    [InlineData("jane@example.com", "5.1.1 <jane@example.com>: user unknown")]
    [InlineData("jane@example.com", "5.1.1 JANE@EXAMPLE.COM unknown")]
    [InlineData("jane@example.com", "no such user jane here")]
    [InlineData("jane@xn--bcher-kva.example", "unknown: jane@bücher.example")]
    [InlineData("jane@example.com", "forwarded to jdoe@internal.example, which is full")]
    [InlineData("jane@example.com", "two\r\nlines for\tjane@example.com")]
    [InlineData("jane+gifs@example.com", "5.2.2 mailbox of jane is full")]
    [InlineData("jane+gifs@example.com", "5.2.2 <jane+gifs@example.com> and jane+gifs are unknown")]
    [InlineData("jane@example.com", "see http://help.example/?to=jane%40example.com&n=1")]
    [InlineData("jane@example.com", "bounced to SRS0=ab=cd=example.com=jane@relay.example")]
    [InlineData("jane@example.com", "bounces+jane=example.com@relay.example")]
    [InlineData("jane@xn--bcher-kva.example", "unknown: jane@XN--BCHER-KVA.example")]
    [InlineData("jane.doe@example.com", "'jane.doe' (jane.doe), \"jane.doe\": jane.doe. Not here")]
    public void Server_reply_is_stripped_of_the_recipient_address_and_line_breaks(string recipient, string reply)
    {
        var text = ServerReply.Without(MailboxAddress.Parse(recipient), reply);
        text.ShouldNotContain("jane", Case.Insensitive);
        text.ShouldNotContain("@");
        text.ShouldNotContain("\n");
    }

    [Theory]
    [InlineData("jane.doe@example.com", "5.1.1 No such user: jane.doe.")]
    [InlineData("jane.doe@example.com", "5.1.1 'jane.doe' does not live here")]
    [InlineData("jane@example.com", "5.1.1 see https://example.com/bounce?to=jane%40example.com")]
    [InlineData("jane@example.com", "5.1.1 ORCPT=rfc822;jane+40example.com")]
    [InlineData("jane@example.com", "5.1.1 <mailto:jane@example.com>, \"jane\"@example.com, JANE @ EXAMPLE.COM")]
    [InlineData("jane+gif@example.com", "5.1.1 user jane has a full mailbox, as has jane+gif")]
    [InlineData("jane@example.com", "5.1.1 bounces+jane=example.com@list.example")]
    [InlineData("jane@bücher.example", "unknown: JANE@XN--BCHER-KVA.EXAMPLE")]
    public void Server_reply_is_stripped_of_every_form_of_the_recipient_name(string recipient, string reply) =>
        ServerReply.Without(MailboxAddress.Parse(recipient), reply).ShouldNotContain("jane", Case.Insensitive);

    [Fact]
    public void Server_reply_keeps_the_details_that_an_operator_needs() =>
        ServerReply.Without(MailboxAddress.Parse("al@example.com"), "4.7.1 greylisted, although <al@example.com> is known")
            .ShouldBe("4.7.1 greylisted, although <[recipient]> is known");
}
