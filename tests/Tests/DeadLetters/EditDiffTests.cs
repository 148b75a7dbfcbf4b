using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>The diff that an operator sees before an edited message is replayed.</summary>
public sealed class EditDiffTests
{
    private const string Before = """{"email":"jane@wrong.example","items":[1,2]}""";

    [Fact]
    public void Diff_shows_the_changed_line_and_ignores_formatting() =>
        Diff.Of(Before, "{\n      \"email\": \"jane@right.example\",\n  \"items\": [ 1,\n2 ] }\n")
            .Where(line => line.Kind is DiffKind.Added or DiffKind.Removed).Select(line => $"{line.Kind} {line.Text.Trim()}")
            .ShouldBe(["""Removed "email": "jane@wrong.example",""", """Added "email": "jane@right.example","""]);

    [Theory]
    [InlineData("{ \"email\" : \"jane@wrong.example\",\r\n\"items\": [1, 2] }", true)]
    [InlineData("""{"email":"jane@wrong.example","items":[1,2,3]}""", false)]
    public void Diff_is_empty_when_only_the_formatting_differs(string after, bool none) => Diff.IsNone(Before, after).ShouldBe(none);

    [Fact]
    public void Diff_shows_text_that_is_not_JSON_unformatted() => Diff.Of("a\nb", "a\nc").Select(line => line.Text).ShouldBe(["a", "b", "c"]);
}
