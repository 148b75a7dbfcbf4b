using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Cli;
using WorkinIt.Cli.Erasing;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>An erasure finds each spelling of an address that masking hides, and no address of another mailbox.</summary>
public sealed class ErasureSpellingTests
{
    private static readonly Person _jane = new("jane@people.example");

    public static readonly TheoryData<string> Spellings =
    [
        "jane@people.example", "JANE@People.Example", "jane+gifs@people.example", "\"jane\"@people.example", "\"ja\\ne+gifs\"@people.example",
        "<jane@people.example>", "Jane Doe <jane@people.example>", "{jane@people.example}", "(jane@people.example)", "'jane@people.example'", "mailto:jane@people.example",
        "jane＠people.example", "jane﹫people.example", "ｊａｎｅ＠ｐｅｏｐｌｅ．ｅｘａｍｐｌｅ", "jane@people。example", "jane＋gifs@people.example", "ja\u200bne@people.example",
        "jane%40people.example", "jane%2Bgifs%40people.example", "%6Aane%40people%2Eexample", "%3Cjane%40people.example%3E",
        "jane&#64;people.example", "jane&#x40;people.example", "jane&commat;people&period;example", "&lt;jane@people.example&gt;",
        "jane\\u0040people.example", "jane\\\\u0040people.example", "\\u006aane\\u002Bgifs\\u0040people\\u002eexample", "\\u003cjane@people.example\\u003e",
    ];

    public static readonly TheoryData<string> Others =
    [
        "notjane@people.example", "jane.doe@people.example", "jane-doe@people.example", "jane@people.example.org", "jane@other-people.example", "jane_@people.example",
        "not%6Aane%40people.example", "notjane＠people.example", "not\\u006aane\\u0040people.example", "not-jane@people.example", "\"not jane\"@people.example", "o'jane@people.example",
        "\"jane doe\"@people.example", "jane", "people.example", "jane@", "jane@people.exampl",
    ];

    [Theory]
    [MemberData(nameof(Spellings))]
    public void Spelling_of_the_address_is_found_in_an_address_field_a_text_a_header_and_a_damaged_body(string spelling)
    {
        _jane.IsRecipientOf(Field(spelling)).ShouldBeTrue("field");
        _jane.IsRecipientOf(Field(JsonSerializer.Serialize(spelling))).ShouldBeTrue("escaped field");
        _jane.IsRecipientOf($"mail to {spelling}, please").ShouldBeTrue("text");
        _jane.IsRecipientOf(JsonSerializer.Serialize(new { payload = Field(spelling) })).ShouldBeTrue("JSON within JSON");
        _jane.IsRecipientOf(Letter("<none/>", ("MT-Fault-Message", $"550 {spelling} is unknown"))).ShouldBeTrue("header");
        foreach (var end in new[] { "", "\\", "\\u", "\\u00", "\",\"thought\":\"cut" })
            _jane.IsRecipientOf($"{{\"emailAddress\":\"{spelling}{end}").ShouldBeTrue($"cut off after {end}");
        Masking.Text($"550 {spelling} is unknown").ShouldNotContain("example");
        CauseText.Of($"Mailbox {spelling} is full").ShouldNotContain("example");
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void Address_of_another_mailbox_is_not_found(string other)
    {
        _jane.IsRecipientOf(Field(other)).ShouldBeFalse("field");
        _jane.IsRecipientOf($"mail to {other}, please").ShouldBeFalse("text");
        _jane.IsRecipientOf(JsonSerializer.Serialize(new { payload = Field(other) })).ShouldBeFalse("JSON within JSON");
        _jane.IsRecipientOf(Letter("<none/>", ("MT-Fault-Message", $"550 {other} is unknown"))).ShouldBeFalse("header");
        _jane.IsRecipientOf($"{{\"emailAddress\":\"{other}").ShouldBeFalse("cut off");
    }

    [Theory]
    [InlineData("to=jane@people.example")]
    [InlineData("a|jane@people.example")]
    [InlineData("a%jane@people.example")]
    public void Special_character_separates_addresses_in_a_text_and_belongs_to_the_address_in_a_field(string address)
    {
        _jane.IsRecipientOf(Field(address)).ShouldBeFalse();
        _jane.IsRecipientOf($"GET /?{address}").ShouldBeTrue();
    }

    [Theory]
    [InlineData("jane＠people.example")]
    [InlineData("jane%40people.example")]
    [InlineData("jane\\u0040people.example")]
    [InlineData("\"jane\"@people.example")]
    public void Address_that_the_operator_spells_unusually_is_the_same_person(string typed) =>
        new Person(typed).ShouldSatisfyAllConditions(it => it.Address.ShouldBe("jane@people.example"), it => it.IsRecipientOf(Field("jane@people.example")).ShouldBeTrue());

    [Theory]
    [InlineData("\"jane doe\"@people.example")]
    [InlineData("a%2Bb@people.example")]
    public void Address_with_a_quoted_local_part_or_a_percent_sign_is_found_as_typed(string address)
    {
        var person = new Person(address);
        person.Address.ShouldBe(address);
        person.IsRecipientOf(Field(address)).ShouldBeTrue();
        person.IsRecipientOf(JsonSerializer.Serialize(Field(address))).ShouldBeTrue("JSON within JSON");
    }

    [Fact]
    public void Address_in_a_thought_or_in_a_header_does_not_count_when_the_body_names_another_recipient()
    {
        var body = """{"message":{"emailAddress":"john@people.example","thought":"about jane@people.example"}}""";
        _jane.IsRecipientOf(body).ShouldBeFalse();
        _jane.IsRecipientOf(JsonSerializer.Serialize(new { payload = body })).ShouldBeFalse("JSON within JSON");
        _jane.IsRecipientOf(Letter(body, ("MT-Fault-Message", "552 jane@people.example"))).ShouldBeFalse("header");
        _jane.IsRecipientOf(Letter("<none/>", ("Replay-By", "jane@people.example"), ("Discarded-By", "jane@people.example"))).ShouldBeFalse("operator");
    }

    [Fact]
    public void Address_after_an_escaped_line_break_or_an_emoji_is_found_in_a_damaged_body()
    {
        _jane.IsRecipientOf("{\"to\":\"Dear\\njane@people.example").ShouldBeTrue();
        _jane.IsRecipientOf("{\"to\":\"😀jane@people.example").ShouldBeTrue();
        _jane.IsRecipientOf("{\"to\":\"\\ud83djane@people.example").ShouldBeTrue();
    }

    [Theory]
    [InlineData("jane")]
    [InlineData("jane@people.example, john@people.example")]
    [InlineData("<jane@people.example>")]
    public void Text_that_is_not_exactly_one_address_is_refused(string typed) => Should.Throw<WrongUsageException>(() => new Person(typed));

    private static string Field(string value) => value is ['"', .., '"'] && value.Contains("\\u", StringComparison.Ordinal)
        ? $"{{\"message\":{{\"emailAddress\":{value}}}}}" : JsonSerializer.Serialize(new { message = new { emailAddress = value, thought = "private" } });

    private static DeadLetter Letter(string body, params (string Name, string Value)[] headers) =>
        new("send-gif-email_error", 1, 0, new BasicProperties { Headers = headers.ToDictionary(header => header.Name, header => (object?)header.Value) }, Encoding.UTF8.GetBytes(body), 0);
}
