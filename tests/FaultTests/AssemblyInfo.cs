using Xunit.Sdk;
using Xunit.v3;

// Each run breaks the shared broker or loads both cores, so runs must not overlap.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(WorkinIt.FaultTests.ReliabilityTable))]
