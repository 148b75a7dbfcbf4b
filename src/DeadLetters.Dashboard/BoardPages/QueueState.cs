using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>What an operator must know about a queue in the catalogue.</summary>
/// <param name="Words">The state in a few words.</param>
/// <param name="Kind">The CSS class: good, busy, warn or bad.</param>
internal sealed record QueueState(string Words, string Kind)
{
    public const string Good = "good";

    public static QueueState Of(CatalogueQueue queue) => queue switch
    {
        { IsMissing: true } => new($"its queue is missing: {Format.Number(queue.Kept)} kept here, and put back when it exists again", "bad"),
        { IsWalking: true, Messages: { } messages } => new($"being read: {Format.Number(queue.Walked)} of {Format.Number(messages)}", "busy"),
        { IsWalking: true } => new($"being read: {Format.Number(queue.Walked)}", "busy"),
        { Problem.Length: > 0 } => new(queue.Problem, "bad"),
        { Kept: > 0 } => new($"{Format.Number(queue.Kept)} that failed while it was missing are being put back", "busy"),
        { WalkedAt: null } => new("not read yet", "warn"),
        { Messages: { } messages } when messages != queue.Letters => new($"counts differ: the broker has {Format.Number(messages)}", "warn"),
        { Messages: null } => new("the broker’s count is unknown", "warn"),
        { IsFed: false } => new("complete; not copied, so read again when its count changes", "warn"),
        _ => new("complete", Good),
    };
}
