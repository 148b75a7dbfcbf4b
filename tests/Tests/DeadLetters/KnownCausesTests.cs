using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Which failures are new to a replay.</summary>
public sealed class KnownCausesTests
{
    // Seen in a program on .NET 10: from call 76,531 on, the first two frames are missing. The lines of the others stay.
    private const string Complete = """
           at Shop.Warehouse.Reserve(Int32 number) in /src/Shop/Warehouse.cs:line 13
           at Shop.Warehouse.Check(Int32 number) in /src/Shop/Warehouse.cs:line 26
           at Shop.OrderConsumer.Consume(ConsumeContext`1 context) in /src/Shop/OrderConsumer.cs:line 20
           at MassTransit.DependencyInjection.ScopeConsumerFactory`1.Send[TMessage](ConsumeContext`1 context, IPipe`1 next)
        """;

    private static readonly string _inlined = string.Join('\n', Complete.Split('\n').Skip(2));

    [Fact]
    public void Failure_whose_trace_lacks_inlined_methods_is_known_although_its_cause_has_another_id()
    {
        var (complete, inlined) = (Failure(Complete), Failure(_inlined));
        inlined.Cause.Id.ShouldNotBe(complete.Cause.Id);

        Knowing(complete).Contains(inlined).ShouldBeTrue();
        Knowing(inlined).Contains(complete).ShouldBeTrue(); // the process was restarted
        Knowing(complete).Contains(Failure(string.Join('\n', Complete.Split('\n').Where((_, i) => i != 1)))).ShouldBeTrue(); // in the middle
        Knowing(complete).Contains(Failure(Complete.Split('\n')[^1])).ShouldBeTrue(); // no frame of the application is left
    }

    [Fact]
    public void Failure_with_another_type_text_line_or_method_is_new()
    {
        var known = Knowing(Failure(Complete));

        known.Contains(Failure(_inlined, "System.TimeoutException")).ShouldBeFalse();
        known.Contains(Failure(_inlined, text: "Out of order")).ShouldBeFalse();
        known.Contains(Failure(_inlined.Replace("line 20", "line 21", StringComparison.Ordinal))).ShouldBeFalse();
        known.Contains(Failure(_inlined.Replace("OrderConsumer.Consume", "OrderConsumer.Cancel", StringComparison.Ordinal))).ShouldBeFalse();
        known.Contains(Failure("   at Shop.Other.Run()\n" + _inlined)).ShouldBeFalse(); // each trace has a frame that the other lacks
        known.Contains(Failure(null)).ShouldBeFalse();
        known.Contains(Failure(_inlined, text: "Out of stock: 12")).ShouldBeFalse();
    }

    [Fact]
    public void Failure_that_lacks_frames_is_new_if_no_line_shows_that_its_caller_did_not_throw_itself()
    {
        var (complete, inlined) = (WithoutLines(Complete), WithoutLines(_inlined));

        Knowing(Failure(complete)).Contains(Failure(inlined)).ShouldBeFalse();
        Knowing(Failure(inlined)).Contains(Failure(complete)).ShouldBeFalse();
        Knowing(Failure(complete)).Contains(Failure(complete)).ShouldBeTrue();
        Knowing(Failure(complete)).Contains(Failure(complete.Split('\n')[^1])).ShouldBeTrue(); // no frame of the application is left

        static string WithoutLines(string trace) => string.Join('\n', trace.Split('\n').Select(frame => frame.Split(" in /src")[0]));
    }

    [Fact]
    public void Trace_that_MassTransit_has_cut_is_compared_as_far_as_it_goes()
    {
        var libraries = string.Concat(Enumerable.Range(0, 40).Select(i => $"\n   at MassTransit.Middleware.Filter{i}.Send(ConsumeContext`1 context, IPipe`1 next)"));
        var (complete, inlined) = ((Complete + libraries)[..2048], (_inlined + libraries)[..2048]); // ends with another frame

        Knowing(Failure(complete)).Contains(Failure(inlined)).ShouldBeTrue();
        Knowing(Failure(inlined)).Contains(Failure(complete)).ShouldBeTrue();
        Knowing(Failure(complete)).Contains(Failure(inlined.Replace("Filter3.", "Filter.", StringComparison.Ordinal))).ShouldBeFalse();
    }

    [Fact]
    public void Trace_counts_only_if_its_cause_is_known()
    {
        var (complete, inlined) = (Failure(Complete), Failure(_inlined));
        var known = new KnownCauses([]);
        known.See(complete.Cause, complete.StackTrace);
        known.Contains(inlined).ShouldBeFalse();

        known.Know([complete.Cause.Id]); // of a dry run
        known.See(complete.Cause, complete.StackTrace);
        known.Contains(inlined).ShouldBeTrue();
        known.Contains(inlined).ShouldBeTrue();
    }

    private static KnownCauses Knowing(SeenFailure failure)
    {
        var known = new KnownCauses([]);
        known.Know(failure.Cause, failure.StackTrace);
        return known;
    }

    private static SeenFailure Failure(string? trace, string type = "System.InvalidOperationException", string text = "Out of stock") => new(
        Outcome.FailedAgain, new NewLetter("orders_error", "1", type, text), Cause.Of(type, text, trace is null ? null : StackFrames.FirstOwn(trace)), trace);
}
