using System.Collections.Concurrent;
using MassTransit;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>A message of the tests.</summary>
public sealed record DoWork(int Number);

/// <summary>A message that no consumer handles.</summary>
public sealed record UnknownWork(int Number);

/// <summary>An event that a consumer publishes.</summary>
public sealed record WorkDone(int Number);

public sealed class WorkException(string message) : Exception(message);

/// <summary>What the consumers of a test do.</summary>
public sealed class Work
{
    /// <summary>Handles a message; the second argument is the number of the try in this process, from 1.</summary>
    public Func<ConsumeContext<DoWork>, int, Task> Handle { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Called after a message was handled.</summary>
    public Action<ConsumeContext<DoWork>>? Succeeded { get; set; }

    /// <summary>Called when a saga begins, with the message's id.</summary>
    public Action<Guid?> OnPlaced { get; set; } = _ => { };

    /// <summary>Called when a saga that exists takes a message, with the message's id.</summary>
    public Action<Guid?> OnSaga { get; set; } = _ => { };

    /// <summary>Called for each activity, with the routing slip's id, the activity's name, and whether it is the last one.</summary>
    public Action<Guid, string, bool>? OnActivity { get; set; }

    /// <summary>The numbers that were handled, in their order.</summary>
    public ConcurrentQueue<int> Handled { get; } = [];

    public ConcurrentDictionary<int, int> Tries { get; } = [];

    /// <summary>The stamps with which messages came, by number.</summary>
    public ConcurrentQueue<string> Stamps { get; } = [];

    /// <summary>Fails, always in the same place: with the same cause.</summary>
    public static Task FailAsync() => throw new WorkException("the warehouse did not answer");

    public async Task RunAsync(ConsumeContext<DoWork> context)
    {
        var number = context.Message.Number;
        Stamps.Enqueue(string.Join(' ', context.ReceiveContext.TransportHeaders.GetAll().Where(header => header.Key.StartsWith("Replay-", StringComparison.Ordinal)).OrderBy(header => header.Key, StringComparer.Ordinal).Select(header => $"{header.Key}={header.Value}")));
        await Handle(context, Tries.AddOrUpdate(number, 1, (_, tries) => tries + 1));
        Handled.Enqueue(number);
        Succeeded?.Invoke(context);
    }
}

public sealed class WorkConsumer(Work work) : IConsumer<DoWork>
{
    public Task Consume(ConsumeContext<DoWork> context) => work.RunAsync(context);
}

public sealed class SecondConsumer(Work work) : IConsumer<DoWork>
{
    public Task Consume(ConsumeContext<DoWork> context) => context.Message.Number < 0 ? throw new WorkException("second") : work.RunAsync(context);
}
