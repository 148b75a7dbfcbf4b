using Xunit.Sdk;
using Xunit.v3;

// All tests share one system and one browser.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(WorkinIt.BrowserTests.Browser))]

// The result of a class with [Trait("broker", "any")] does not depend on the RabbitMQ version; the comment beside it says why. .ci/run skips such a
// class when it runs these tests on a second version. A class without the trait runs on both.
