using System.Globalization;
using WorkinIt.DeadLetters.Dashboard.BoardPages;

namespace WorkinIt.Tests.Catalogue;

public sealed class ChartTests
{
    [Fact]
    public void Tallest_bar_fills_the_chart_and_the_others_are_in_proportion()
    {
        var bars = Chart.Bars([50, 200, 100]);

        bars.Select(bar => (bar.X, bar.Y, bar.Height)).ShouldBe([("0", "75", "25"), ("10", "0", "100"), ("20", "50", "50")]);
        Chart.ViewBox(3).ShouldBe("0 0 30 100");
    }

    [Fact]
    public void One_failure_among_many_has_a_bar_that_can_be_seen()
    {
        var bars = Chart.Bars([1_000_000, 1, 0]);

        Number(bars[1].Height).ShouldBeGreaterThanOrEqualTo(2);
        bars[2].Height.ShouldBe("0");
    }

    [Fact]
    public void Every_number_is_finite_and_within_the_chart_whatever_is_counted()
    {
        foreach (var counts in new long[][] { [], [0], [0, 0, 0], [long.MaxValue, 1, -5], [1], [.. Enumerable.Range(0, 168).Select(count => (long)count * count)] })
        {
            foreach (var bar in Chart.Bars(counts))
            {
                Number(bar.Y).ShouldBeInRange(0, Chart.Height);
                (Number(bar.Y) + Number(bar.Height)).ShouldBe(Chart.Height, 0.02);
            }
            var points = Chart.Area(counts).Split(' ').Select(point => point.Split(',')).ToList();
            points.Count.ShouldBe(counts.Length + 2);
            foreach (var point in points)
                Number(point[1]).ShouldBeInRange(0, Chart.Height);
        }
    }

    [Theory]
    [InlineData(50, 200, "25%")]
    [InlineData(1, 1_000_000, "1%")]
    [InlineData(0, 10, "0%")]
    [InlineData(3, 0, "0%")]
    public void Share_of_a_total_is_a_length_of_SVG_that_can_be_seen(long count, long total, string share) => Chart.Share(count, total).ShouldBe(share);

    [Fact]
    public void Numbers_have_a_decimal_point_in_every_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
            Chart.Bars([3, 1])[1].Height.ShouldBe("33.33");
            Chart.Area([3, 1]).ShouldBe("0,100 0,2 10,67.33 10,100");
            Chart.Share(1, 3).ShouldBe("33.33%");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
