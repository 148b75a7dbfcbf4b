namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>Values of the examples in the API document.</summary>
internal static class ApiExamples
{
    public const string Cause = "5f1c9a3e";
    public const string LetterId = "8d3a1f5c2b7e9046";
    public const string MessageId = "01920000-0000-7000-8000-000000000001";
    public const string Operation = "9f2c4d7e8a1b3c5d6e7f8091a2b3c4d5";

    public static DateTimeOffset Time { get; } = new(2026, 11, 30, 3, 12, 0, TimeSpan.Zero);
}
