using Xunit.Sdk;
using Xunit.v3;

// Each run breaks the one broker or loads both cores: alone.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(WorkinIt.FaultTests.ReliabilityTable))]
