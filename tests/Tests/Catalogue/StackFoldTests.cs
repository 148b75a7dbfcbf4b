using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.Tests.Catalogue;

public sealed class StackFoldTests
{
    [Fact]
    public void Frames_of_libraries_are_folded_around_the_frames_of_the_application()
    {
        var parts = StackFold.Of("""
               at Npgsql.NpgsqlConnection.Open(Boolean async)
               at Npgsql.NpgsqlConnection.OpenAsync()
               at Shop.Warehouse.Reserve(String item) in /_/Shop/Warehouse.cs:line 41
            --- End of stack trace from previous location ---
               at MassTransit.Middleware.Send(Object context)
            """);

        parts.Select(part => (part.IsFolded, part.Lines)).ShouldBe([(true, 2), (false, 2), (true, 1)]);
        parts[1].Text.ShouldStartWith("   at Shop.Warehouse.Reserve");
    }

    [Theory]
    [InlineData("   at System.IO.File.Open(String path)\n   at MassTransit.Send()")]
    [InlineData("not a stack trace")]
    [InlineData("")]
    public void Trace_without_a_frame_of_the_application_is_shown_as_it_is(string stack)
    {
        var part = StackFold.Of(stack).ShouldHaveSingleItem();

        part.IsFolded.ShouldBeFalse();
        part.Text.ShouldBe(stack);
    }
}
