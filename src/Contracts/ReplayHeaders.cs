namespace WorkinIt.Contracts;

/// <summary>AMQP headers that a replay sets on a message.</summary>
public static class ReplayHeaders
{
    /// <summary>The id of the replay, and the message's number in it.</summary>
    public const string Id = "Replay-Id";

    /// <summary>Present if the operator chose to send the mail again although it may have arrived.</summary>
    public const string SendAgain = "Replay-Send-Again";
}
