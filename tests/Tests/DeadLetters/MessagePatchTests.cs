using System.Text;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>A JSON Patch (RFC 6902) on the text of a message: it changes the named places, and no other byte.</summary>
public sealed class MessagePatchTests
{
    [Theory]
    [InlineData("""{"a":1}""", """{"op":"add","path":"/b","value":2}""", """{"a":1,"b":2}""")]
    [InlineData("{ }", """{"op":"add","path":"/b","value":{"c":[]}}""", """{"b":{"c":[]} }""")]
    [InlineData("""{"a": 1, "b": 2}""", """{"op":"add","path":"/a","value":"new"}""", """{"a": "new", "b": 2}""")]
    [InlineData("""{"a":[1, 3]}""", """{"op":"add","path":"/a/1","value":2}""", """{"a":[1, 2,3]}""")]
    [InlineData("""{"a":[1]}""", """{"op":"add","path":"/a/1","value":2}""", """{"a":[1,2]}""")]
    [InlineData("""{"a":[1]}""", """{"op":"add","path":"/a/-","value":[2,3]}""", """{"a":[1,[2,3]]}""")]
    [InlineData("""{"a":[]}""", """{"op":"add","path":"/a/-","value":null}""", """{"a":[null]}""")]
    [InlineData("""{"a":{"b":{}}}""", """{"op":"add","path":"/a/b/c","value":true}""", """{"a":{"b":{"c":true}}}""")]
    [InlineData("""{"a":1}""", """{"op":"add","path":"","value":[1]}""", "[1]")]
    [InlineData("""{"a":1}""", """{"op":"add","path":"/b","value":2,"unknown":"is ignored"}""", """{"a":1,"b":2}""")]
    public void Add_inserts_a_property_or_an_item_or_replaces_a_property(string before, string operation, string after) => Applied(before, operation).ShouldBe(after);

    [Theory]
    [InlineData("""{"a":1, "b":2, "c":3}""", "/b", """{"a":1, "c":3}""")]
    [InlineData("""{"a":1, "b":2}""", "/b", """{"a":1}""")]
    [InlineData("""{"a":1}""", "/a", "{}")]
    [InlineData("""{"a":[1, 2, 3]}""", "/a/0", """{"a":[2, 3]}""")]
    [InlineData("""{"a":[1, [2], 3]}""", "/a/1", """{"a":[1, 3]}""")]
    [InlineData("""{"a":[1, 2]}""", "/a/1", """{"a":[1]}""")]
    [InlineData("""{"a":[1]}""", "/a/0", """{"a":[]}""")]
    public void Remove_takes_out_a_property_or_an_item_with_one_comma(string before, string path, string after) =>
        Applied(before, $$"""{"op":"remove","path":"{{path}}"}""").ShouldBe(after);

    [Theory]
    [InlineData("""{"a": 1, "b": [1, 2]}""", """{"op":"replace","path":"/b/1","value":"two"}""", """{"a": 1, "b": [1, "two"]}""")]
    [InlineData("""{"a": 1}""", """{"op":"replace","path":"/a","value":null}""", """{"a": null}""")]
    [InlineData("null", """{"op":"replace","path":"","value":{"a":1}}""", """{"a":1}""")]
    [InlineData("""{"a": 1, "b": 2}""", """{"op":"move","from":"/a","path":"/c"}""", """{"b": 2,"c":1}""")]
    [InlineData("""{"a":{"b":1,"c":2},"d":{}}""", """{"op":"move","from":"/a/b","path":"/d/b"}""", """{"a":{"c":2},"d":{"b":1}}""")]
    [InlineData("""{"a":["x","y","z"]}""", """{"op":"move","from":"/a/0","path":"/a/2"}""", """{"a":["y","z","x"]}""")]
    [InlineData("""{"a":["x","y"]}""", """{"op":"copy","from":"/a/0","path":"/a/-"}""", """{"a":["x","y","x"]}""")]
    [InlineData("""{"a":{"b":[1.50]}}""", """{"op":"copy","from":"/a","path":"/a/c"}""", """{"a":{"b":[1.50],"c":{"b":[1.50]}}}""")]
    public void Replace_move_and_copy_change_only_the_named_places(string before, string operation, string after) => Applied(before, operation).ShouldBe(after);

    [Theory]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"für 😀":6,"\"":7}""", "/a~1b", 1)]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"für 😀":6,"\"":7}""", "/m~0n", 2)]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"für 😀":6,"\"":7}""", "/~01", 3)]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"für 😀":6,"\"":7}""", "/", 4)]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"für 😀":6,"\"":7}""", "/ ", 5)]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"f\u00fcr \ud83d\ude00":6,"\"":7}""", "/für 😀", 6)]
    [InlineData("""{"a/b":1,"m~n":2,"~1":3,"":4," ":5,"für 😀":6,"\u0022":7}""", "/\\u0022", 7)]
    [InlineData("""{"0":8,"a":[9]}""", "/0", 8)]
    [InlineData("""{"a":[{"b":[0,9]}]}""", "/a/0/b/1", 9)]
    public void Pointer_escapes_and_JSON_escapes_name_the_same_property(string message, string path, int value) =>
        Applied(message, $$"""{"op":"test","path":"{{path}}","value":{{value}}}""").ShouldBe(message);

    [Theory]
    [InlineData("1", "1.0", true)]
    [InlineData("1.50", "1.5", true)]
    [InlineData("100", "1e2", true)]
    [InlineData("12345678901234567890", "12345678901234567891", false)]
    [InlineData("0.1000000000000000055511151231257827", "0.1", false)]
    [InlineData("1e99999999999", "1", false)]
    [InlineData("1", "\"1\"", false)]
    [InlineData("null", "false", false)]
    [InlineData("null", "null", true)]
    [InlineData("""{"a":1,"b":[2]}""", """{ "b": [2], "a": 1 }""", true)]
    [InlineData("[1,2]", "[2,1]", false)]
    [InlineData("""{"a":1}""", """{"a":1,"b":null}""", false)]
    [InlineData("\"f\\u00fcr\"", "\"für\"", true)]
    [InlineData("\"a\"", "\"A\"", false)]
    public void Test_compares_values_exactly_and_not_their_text(string value, string expected, bool passes)
    {
        var (message, problem) = Apply($$"""{"v":{{value}}}""", $$"""{"op":"test","path":"/v","value":{{expected}}}""");
        (message is not null).ShouldBe(passes);
        problem.ShouldBe(passes ? null : "operation 1 (test /v): /v has another value");
    }

    [Fact]
    public void Large_numbers_escapes_order_and_spaces_of_everything_else_stay_byte_for_byte()
    {
        var message = "{ \"id\" :12345678901234567890, \"price\": 1.50,\n\t\"z\":1E+2, \"note\":\"f\\u00fcr \\/ 😀 \\ud83d\", \"a\":{ \"y\" :-0.0 }, \"currency\" : \"EURO\" }";
        Applied(message, """{"op":"replace","path":"/currency","value":"EUR"}""").ShouldBe(message.Replace("EURO", "EUR", StringComparison.Ordinal));
        Applied(message, """{"op":"add","path":"/a/x","value":98765432109876543210.10}""").ShouldBe(message.Replace("-0.0 }", "-0.0,\"x\":98765432109876543210.10 }", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"a":1}""", """{"op":"remove","path":"/b"}""", "/b is missing")]
    [InlineData("""{"a":1}""", """{"op":"replace","path":"/b","value":1}""", "/b is missing")]
    [InlineData("""{"a":1}""", """{"op":"add","path":"/b/c","value":1}""", "/b is missing")]
    [InlineData("""{"a":1}""", """{"op":"test","path":"/A","value":1}""", "/A is missing")]
    [InlineData("""{"a":1}""", """{"op":"copy","from":"/b","path":"/c"}""", "/b is missing")]
    [InlineData("""{"a":1}""", """{"op":"add","path":"/a/b","value":1}""", "/a is neither an object nor an array")]
    [InlineData("null", """{"op":"add","path":"/a","value":1}""", "the message is neither an object nor an array")]
    [InlineData("""{"a":null}""", """{"op":"replace","path":"/a/b","value":1}""", "/a is neither an object nor an array")]
    [InlineData("""{"a":[1]}""", """{"op":"add","path":"/a/2","value":1}""", "/a/2 is beyond the end of the array")]
    [InlineData("""{"a":[1]}""", """{"op":"remove","path":"/a/1"}""", "/a/1 is missing")]
    [InlineData("""{"a":[1]}""", """{"op":"remove","path":"/a/-"}""", "\"-\" is not the index of an item")]
    [InlineData("""{"a":[1,2]}""", """{"op":"replace","path":"/a/01","value":1}""", "\"01\" is not the index of an item")]
    [InlineData("""{"a":[1,2]}""", """{"op":"add","path":"/a/-1","value":1}""", "\"-1\" is neither an index nor -")]
    [InlineData("""{"a":[1,2]}""", """{"op":"add","path":"/a/1e0","value":1}""", "\"1e0\" is neither an index nor -")]
    [InlineData("""{"a":1,"b":2,"a":3}""", """{"op":"replace","path":"/a","value":1}""", "/a occurs more than once")]
    [InlineData("""{"a":1,"b":2,"\u0061":3}""", """{"op":"add","path":"/a","value":1}""", "/a occurs more than once")]
    [InlineData("""{"\ud83d":1}""", """{"op":"remove","path":"/a"}""", "/a is missing")]
    public void Patch_that_does_not_apply_names_the_operation_and_the_place(string message, string operation, string problem)
    {
        var (patched, why) = Apply(message, operation);
        patched.ShouldBeNull();
        why.ShouldNotBeNull().ShouldStartWith("operation 1 (");
        why.ShouldEndWith(problem);
    }

    [Fact]
    public void Property_beside_a_duplicate_name_can_be_changed() =>
        Applied("""{"a":1,"b":2,"a":3}""", """{"op":"replace","path":"/b","value":4}""").ShouldBe("""{"a":1,"b":4,"a":3}""");

    [Fact]
    public void Operations_apply_in_their_order_and_all_or_none()
    {
        Applied("""{"a":1}""", """{"op":"add","path":"/b","value":[]},{"op":"move","from":"/a","path":"/b/0"},{"op":"test","path":"/b/0","value":1},{"op":"copy","from":"/b","path":"/c"}""")
            .ShouldBe("""{"b":[1],"c":[1]}""");
        var (patched, why) = Apply("""{"a":1}""", """{"op":"remove","path":"/a"},{"op":"test","path":"/a","value":1}""");
        patched.ShouldBeNull();
        why.ShouldBe("operation 2 (test /a): /a is missing");
    }

    [Fact]
    public void Deep_message_is_patched_and_one_that_would_become_too_deep_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 200)) + "0" + string.Concat(Enumerable.Repeat("]", 200));
        Applied($$"""{"deep":{{deep}},"a":1}""", $$"""{"op":"replace","path":"/deep{{string.Concat(Enumerable.Repeat("/0", 200))}}","value":1}""").ShouldBe($$"""{"deep":{{deep.Replace('0', '1')}},"a":1}""");
        Apply($$"""{"deep":{{deep}},"a":1}""", $$"""{"op":"add","path":"/deep/0/0/0/0/0/0/0/0/0/0/-","value":{{string.Concat(Enumerable.Repeat("[", 250))}}{{string.Concat(Enumerable.Repeat("]", 250))}}},{"op":"test","path":"/a","value":1}""")
            .Problem.ShouldBe("operation 2 (test /a): the message would be nested deeper than 256 levels");
    }

    [Fact]
    public void Patch_that_copies_a_value_into_itself_again_and_again_is_refused()
    {
        var message = $$"""{"a":"{{new string('x', 100_000)}}"}""";
        var copies = string.Join(',', Enumerable.Range(0, 40).Select(number => $$"""{"op":"copy","from":"","path":"/{{number}}"}"""));
        Apply(message, copies).Problem.ShouldNotBeNull().ShouldEndWith("the message would be more than twice as large");
    }

    [Theory]
    [InlineData("", "The patch is not valid JSON (line 1, byte 1): a patch is an array")]
    [InlineData("[\n{\"op\":\"add\",\n]", "The patch is not valid JSON (line 3, byte 1)")]
    [InlineData("[] []", "The patch is not valid JSON (line 1")]
    [InlineData("""{"op":"remove","path":"/a"}""", "The patch is not an array (line 1): a patch is an array such as [{\"op\":\"replace\"")]
    [InlineData("[]", "The patch has 0 operations: it needs 1 to 1,000")]
    [InlineData("[1]", "Operation 1 of the patch (line 1): not an object")]
    [InlineData("[\n{\"op\":\"remove\",\"path\":\"/a\"},\n\n{\"op\":\"delete\",\"path\":\"/a\"}]", "Operation 2 of the patch (line 4): \"op\" is \"delete\". Valid: add, remove, replace, move, copy, test")]
    [InlineData("""[{"op":"Add","path":"/a","value":1}]""", "\"op\" is \"Add\". Valid: add")]
    [InlineData("""[{"op":"0","path":"/a","value":1}]""", "\"op\" is \"0\". Valid: add")]
    [InlineData("""[{"op":1,"path":"/a"}]""", "\"op\" is not a text")]
    [InlineData("""[{"path":"/a","value":1}]""", "\"op\" is missing. Valid: add, remove")]
    [InlineData("""[{"op":"add","value":1}]""", "\"path\" is missing: add needs one")]
    [InlineData("""[{"op":"add","path":"/a"}]""", "\"value\" is missing: add needs one (null is valid)")]
    [InlineData("""[{"op":"test","path":"/a"}]""", "\"value\" is missing: test needs one")]
    [InlineData("""[{"op":"move","path":"/a"}]""", "\"from\" is missing: move needs one")]
    [InlineData("""[{"op":"add","path":"a","value":1}]""", "\"path\" \"a\" must start with /")]
    [InlineData("""[{"op":"add","path":"/a~2","value":1}]""", "\"path\" \"/a~2\" has a ~ that is not ~0 (for ~) or ~1 (for /)")]
    [InlineData("""[{"op":"add","path":"/a~","value":1}]""", "\"path\" \"/a~\" has a ~ that is not")]
    [InlineData("""[{"op":"add","op":"remove","path":"/a","value":1}]""", "\"op\" occurs twice")]
    [InlineData("""[{"op":"add","path":"/a","value":null,"value":1}]""", "\"value\" occurs twice")]
    [InlineData("""[{"op":"remove","path":""}]""", "the complete message can't be removed")]
    [InlineData("""[{"op":"move","from":"/a","path":"/a/b"}]""", "/a can't be moved into itself")]
    [InlineData("""[{"op":"remove","path":"/\ud83d"}]""", "Operation 1 of the patch (line 1): a text contains half a surrogate pair")]
    public void Wrong_patch_is_refused_with_its_operation_its_line_and_what_is_valid(string patch, string error) =>
        Should.Throw<FormatException>(() => MessagePatch.Parse(patch)).Message.ShouldContain(error);

    [Fact]
    public void Patch_has_a_largest_size_and_a_largest_number_of_operations()
    {
        MessagePatch.Parse($"[{string.Join(',', Enumerable.Repeat("""{"op":"remove","path":"/a"}""", 1000))}]").ShouldNotBeNull();
        Should.Throw<FormatException>(() => MessagePatch.Parse($"[{string.Join(',', Enumerable.Repeat("""{"op":"remove","path":"/a"}""", 1001))}]")).Message.ShouldContain("1,001 operations");
        Should.Throw<FormatException>(() => MessagePatch.Parse($$"""[{"op":"add","path":"/a","value":"{{new string('x', 256 * 1024)}}"}]""")).Message.ShouldContain("at most 262,144");
    }

    private static string Applied(string message, string operations)
    {
        var (patched, problem) = Apply(message, operations);
        problem.ShouldBeNull();
        return Encoding.UTF8.GetString(patched.ShouldNotBeNull());
    }

    private static (byte[]? Message, string? Problem) Apply(string message, string operations) => MessagePatch.Parse($"[{operations}]").Apply(Encoding.UTF8.GetBytes(message));
}
