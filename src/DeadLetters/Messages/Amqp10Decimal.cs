using System.Globalization;
using System.Numerics;

namespace WorkinIt.DeadLetters;

/// <summary>The decimal types of AMQP 1.0: IEEE 754-2008 decimals in their binary encoding.</summary>
internal static class Amqp10Decimal
{
    /// <summary>The number as text, with all of its digits and its exponent of ten, as in <c>1250E-2</c>.</summary>
    /// <param name="bytes">The number, 4, 8 or 16 bytes.</param>
    /// <param name="exponentBits">How many bits its exponent has.</param>
    public static string Text(ReadOnlySpan<byte> bytes, int exponentBits)
    {
        var bits = new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
        var width = bytes.Length * 8;
        var sign = (bits >> (width - 1)).IsOne ? "-" : "";
        var top = (int)((bits >> (width - 6)) & 0b11111);
        if (top == 0b11111)
            return "NaN";
        if (top == 0b11110)
            return $"{sign}Infinity";
        // If the exponent would begin with 11, it is two bits further right, and the digits begin with 100 instead.
        var isShifted = top >> 3 == 0b11;
        var digitBits = width - 1 - exponentBits - (isShifted ? 2 : 0);
        var digits = bits & ((BigInteger.One << digitBits) - 1);
        if (isShifted)
            digits |= BigInteger.One << (digitBits + 2);
        var exponent = (int)((bits >> digitBits) & ((BigInteger.One << exponentBits) - 1)) - Bias(bytes.Length);
        return exponent == 0 ? $"{sign}{digits}" : string.Create(CultureInfo.InvariantCulture, $"{sign}{digits}E{exponent}");
    }

    private static int Bias(int length) => length switch { 4 => 101, 8 => 398, _ => 6176 };
}
