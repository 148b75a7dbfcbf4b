namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>A notification that waits for a receiver.</summary>
/// <param name="Notification">The notification's number.</param>
/// <param name="At">When it was made.</param>
/// <param name="Failures">How many tries in a row have failed at the receiver.</param>
/// <param name="Content">The message.</param>
internal sealed record WaitingDelivery(long Notification, DateTimeOffset At, int Failures, Notification Content);

/// <summary>What a receiver answered.</summary>
/// <param name="Error">What is wrong, for an operator, without the receiver's address; null if it accepted the message.</param>
/// <param name="RetryAfter">The pause that it asks for; null if it asks for none.</param>
internal sealed record ReceiverAnswer(string? Error, TimeSpan? RetryAfter);

/// <summary>The state of a receiver.</summary>
/// <param name="PausedUntil">When it is tried again after a failure; null if it has no pause.</param>
/// <param name="LastSuccess">When it last accepted a message.</param>
/// <param name="LastFailure">When a message last failed.</param>
/// <param name="LastError">Why.</param>
/// <param name="Waiting">How many messages wait.</param>
/// <param name="GivenUp">How many messages were given up, of those that the catalogue still keeps.</param>
internal sealed record ReceiverState(DateTimeOffset? PausedUntil, DateTimeOffset? LastSuccess, DateTimeOffset? LastFailure, string? LastError, long Waiting, long GivenUp);

/// <summary>A notification in the history of a cause.</summary>
/// <param name="Kind">Why it was made.</param>
/// <param name="At">When.</param>
/// <param name="Receiver">The key of a receiver; null if there was none.</param>
/// <param name="State">What became of it there.</param>
/// <param name="Tries">How often it was tried.</param>
/// <param name="EndedAt">When it was sent or given up.</param>
internal sealed record NotificationEntry(string Kind, DateTimeOffset At, string? Receiver, DeliveryState? State, int Tries, DateTimeOffset? EndedAt);
