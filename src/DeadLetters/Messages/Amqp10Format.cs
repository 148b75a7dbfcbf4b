namespace WorkinIt.DeadLetters;

/// <summary>The format codes of AMQP 1.0 that decide how a value is read.</summary>
internal static class Amqp10Format
{
    public const byte Described = 0x00;
    public const byte Null = 0x40;
    public const byte List0 = 0x45;
    public const byte Binary8 = 0xa0;
    public const byte Binary32 = 0xb0;
    public const byte List8 = 0xc0;
    public const byte Map8 = 0xc1;
    public const byte List32 = 0xd0;
    public const byte Map32 = 0xd1;
    public const byte Array8 = 0xe0;
    public const byte Array32 = 0xf0;

    public static FormatException Unknown(byte format) => new($"the type 0x{format:x2} is unknown");
}
