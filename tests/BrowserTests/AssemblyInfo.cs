using Xunit.Sdk;
using Xunit.v3;

// All tests share one system and one browser.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(WorkinIt.BrowserTests.Browser))]
