namespace WorkinIt.FaultTests;

/// <summary>The short form is for each change, the long one for docs/reliability.md.</summary>
public static class Scale
{
    /// <summary>A trait: what is <see cref="LongOnly"/> is no part of the short form. <c>./test</c> leaves it out.</summary>
    public const string Form = "form";

    /// <summary>A value of <see cref="Form"/>.</summary>
    public const string LongOnly = "long";

    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1";

    /// <summary>Submissions of a run.</summary>
    public static int Submissions { get; } = IsLong ? 2_000 : 200;

    /// <summary>How often something is broken.</summary>
    public static int Times(int whenLong) => IsLong ? whenLong : 1;
}
