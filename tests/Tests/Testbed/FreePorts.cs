using WorkinIt.Testbed;

namespace WorkinIt.Tests.Testbed;

public sealed class FreePorts
{
    [Fact]
    public void Are_given_out_once()
    {
        var taken = new int[500];
        Parallel.For(0, taken.Length, i => taken[i] = FreePort.Take());
        taken.Distinct().Count().ShouldBe(taken.Length);
    }
}
