using WorkinIt.Dev.Documents;

namespace WorkinIt.Tests.Dev;

/// <summary>How ./test docs reads a document and compares outputs with it.</summary>
public sealed class DocumentTests
{
    [Fact]
    public void Fences_are_read_with_their_lines()
    {
        var fences = Fence.Read(["# Title", "```sh terminal 1", "./run", "# twice", "```", "text", "```text", "ready", "```"]);
        fences.ShouldBe([new Fence(2, "sh terminal 1", "./run\n# twice\n"), new Fence(7, "text", "ready\n")]);
        fences[0].Terminal.ShouldBe(1);
        fences[0].IsCommand.ShouldBeTrue();
        fences[1].IsCommand.ShouldBeFalse();
    }

    [Theory]
    [InlineData("one\ntwo\n", "one\ntwo")]
    [InlineData("  one    |  1\n\n\ntwo\n", "one | 1\ntwo")]
    [InlineData("{\"id\":\"0197\",\"state\":\"sent\"}\n", "{\"id\":\"…\",\"state\":\"sent\"}")]
    [InlineData("one\nany\nlines\ntwo\n", "one\n…\ntwo")]
    [InlineData("one\ntwo\n", "one\n…\ntwo\n…")]
    [InlineData("after 0.163 s\n", "after 0.… s")]
    [InlineData("after 4.9 s\n", "after 0.… s")]
    [InlineData("after 5.367 s\n", "after 5.… s")]
    [InlineData("a+b (c) [d]\n", "a+b (c) [d]")]
    public void Output_matches(string output, string expected) => ExpectedOutput.Difference(output, expected, complete: true).ShouldBeNull();

    [Theory]
    [InlineData("one\n", "two", "Missing from the output, or in another place: two")]
    [InlineData("two\none\n", "one\ntwo", "Missing from the output, or in another place: one")]
    [InlineData("one\ntwo\n", "one", "The output has more lines.")]
    [InlineData("one more\n", "one", "Missing from the output, or in another place: one")]
    [InlineData("after 5.1 s\n", "after 0.… s", "Missing from the output, or in another place: after 0.… s")]
    [InlineData("after 0.1 s\n", "after 5.… s", "Missing from the output, or in another place: after 5.… s")]
    [InlineData("", "one", "Missing from the output, or in another place: one")]
    public void Output_differs(string output, string expected, string difference) =>
        ExpectedOutput.Difference(output, expected, complete: true).ShouldBe(difference);

    [Fact]
    public void Part_of_an_output_may_be_anywhere_in_it()
    {
        ExpectedOutput.Difference("Starting\none\ntwo\nthree\n", "two", complete: false).ShouldBeNull();
        ExpectedOutput.Difference("Starting\none\ntwo\nthree\n", "one\nthree", complete: false).ShouldNotBeNull();
    }
}
