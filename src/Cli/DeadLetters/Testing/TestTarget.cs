using System.Text.RegularExpressions;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters.Testing;

/// <summary>What a generated test calls.</summary>
/// <param name="Consumer">The consumer's type, in C#.</param>
/// <param name="Message">The message type that it consumes, in C#.</param>
/// <param name="IsBatch">Whether it consumes batches of that type.</param>
internal sealed partial record TestTarget(string Consumer, string Message, bool IsBatch)
{
    private const string Batch = "MassTransit.Batching.BatchConsumer<"; // what calls the application's consumer with a batch

    /// <summary>Finds what failed on a dead letter, by its headers and its stack trace.</summary>
    /// <returns>The target, and null; or why there is no test to generate.</returns>
    public static (TestTarget? Target, string? Problem) Of(DeadLetter letter)
    {
        if (letter.Consumer is not { } consumer)
            return (null, NoConsumer(letter));
        if (letter.JsonMessage is null)
            return (null, "its message is not JSON: it is encrypted, or in another format, so it can't be written into a test");
        if ((letter.Header("MT-Fault-MessageType") ?? (letter.MessageTypes is [var first, ..] ? first : null)) is not { } type)
            return (null, "neither its headers nor its body name the message type");
        if (OfLibrary(letter, consumer, type) is { } problem)
            return (null, problem);
        var isBatch = consumer.StartsWith(Batch, StringComparison.Ordinal);
        if (isBatch && InStack(letter) is null)
            return (null, "it failed in a consumer of batches, and neither a header nor the stack trace names that consumer");
        var named = isBatch ? InStack(letter)! : consumer;
        if (TypeName.InCSharp(named) is not { } consumerType)
            return (null, $"C# has no name for the consumer {named} (a type nested in a generic type, or one that the compiler made)");
        return TypeName.InCSharp(type) is { } messageType
            ? (new TestTarget(consumerType, messageType, isBatch), null)
            : (null, $"C# has no name for the message type {type}. An attribute [MessageUrn] hides the real one");
    }

    private static string NoConsumer(DeadLetter letter) => letter.Kind switch
    {
        DeadLetterKind.Skipped => "it was skipped: no consumer of the queue handles its type",
        DeadLetterKind.Broker => $"the broker dead-lettered it ({letter.ExceptionType}), so no consumer failed with an exception",
        DeadLetterKind.Fault => "no consumer was called: it failed before, for example because it could not be deserialized (no header MT-Fault-ConsumerType)",
        _ => "no header says which consumer failed (MT-Fault-ConsumerType)",
    };

    private static string? OfLibrary(DeadLetter letter, string consumer, string type) =>
        letter.MessageTypes.Any(one => one.StartsWith("MassTransit.Courier.", StringComparison.Ordinal)) ? $"it is a routing slip: {consumer} is an activity, and its arguments are in the slip"
        : consumer.StartsWith("MassTransit.MessageHandler", StringComparison.Ordinal) ? "it failed in a handler, a delegate in the configuration of the bus, that a test can't name"
        : IsSaga(letter) ? $"it failed in a saga ({consumer}), and the letter contains neither its state machine nor the instance as it was then"
        : type.StartsWith("MassTransit.Contracts.", StringComparison.Ordinal) ? $"its message is one of MassTransit's own ({type}), which a job consumer gets from the job service"
        : null;

    private static bool IsSaga(DeadLetter letter) =>
        letter.ExceptionType is "MassTransit.SagaException" or "MassTransit.UnhandledEventException" or "MassTransit.NotAcceptedStateMachineException" or "MassTransit.EventExecutionException"
        || (letter.StackTrace is { } stack && Saga().IsMatch(stack));

    // As in: at Shop.PlaceOrders.Consume(ConsumeContext`1 context) in …
    private static string? InStack(DeadLetter letter) =>
        letter.StackTrace is { } stack ? Consume().Matches(stack).Select(frame => frame.Groups["type"].Value).FirstOrDefault(type => !type.StartsWith("MassTransit.", StringComparison.Ordinal)) : null;

    [GeneratedRegex(@"^\s*at MassTransit\.(SagaStateMachine\.|MassTransitStateMachine`1|Saga\.|Middleware\.\w*Saga)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Saga();

    [GeneratedRegex(@"^\s*at (?<type>[^\s(]+)\.Consume\(ConsumeContext`1 ", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Consume();
}
