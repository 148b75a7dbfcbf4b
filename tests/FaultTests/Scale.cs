namespace WorkinIt.FaultTests;

/// <summary>The size of the runs: the short form runs for each change, the long form produces docs/reliability.md.</summary>
public static class Scale
{
    /// <summary>A trait: tests marked <see cref="LongOnly"/> are not part of the short form. <c>./test</c> skips them.</summary>
    public const string Form = "form";

    /// <summary>The value of <see cref="Form"/> for tests that run only in the long form.</summary>
    public const string LongOnly = "long";

    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1";

    /// <summary>The number of submissions in a run.</summary>
    public static int Submissions { get; } = IsLong ? 2_000 : 200;

    /// <summary>How often a fault is repeated: once in the short form.</summary>
    public static int Times(int whenLong) => IsLong ? whenLong : 1;
}
