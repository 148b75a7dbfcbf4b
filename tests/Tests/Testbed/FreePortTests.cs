using WorkinIt.Testbed;

namespace WorkinIt.Tests.Testbed;

public sealed class FreePortTests
{
    [Fact]
    public void Free_port_is_given_out_only_once()
    {
        var taken = new int[500];
        Parallel.For(0, taken.Length, i => taken[i] = FreePort.Take());
        taken.Distinct().Count().ShouldBe(taken.Length);
    }
}
