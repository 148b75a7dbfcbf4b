using WorkinIt.Dev.Machine;

namespace WorkinIt.Tests.Dev;

public sealed class PortsTests
{
    [Fact]
    public void Free_port_is_given_out_only_once()
    {
        var taken = new int[50]; // each is reserved for three hours
        Parallel.For(0, taken.Length, i => taken[i] = Ports.TakeFree());
        taken.Distinct().Count().ShouldBe(taken.Length);
    }
}
