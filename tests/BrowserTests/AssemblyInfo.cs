using Xunit.Sdk;
using Xunit.v3;

// One system and one browser for all.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(WorkinIt.BrowserTests.Browser))]
