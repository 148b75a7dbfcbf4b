namespace WorkinIt.Contracts;

/// <summary>What a replay leaves on a message, in AMQP headers.</summary>
public static class ReplayHeaders
{
    /// <summary>The replay, and the message's number in it.</summary>
    public const string Id = "Replay-Id";

    /// <summary>Present when the operator said: send it again, although it may have arrived.</summary>
    public const string SendAgain = "Replay-Send-Again";
}
