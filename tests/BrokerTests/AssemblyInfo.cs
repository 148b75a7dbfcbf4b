using Xunit.Sdk;
using Xunit.v3;

// Each test has its own virtual host on the shared broker, or its own broker if it stops it. Four threads: the tests mostly wait.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 4)]

// The result of a class with [Trait("broker", "any")] does not depend on the RabbitMQ version; the comment beside it says why. .ci/run skips such a
// class when it runs these tests on a second version. A class without the trait runs on both.
