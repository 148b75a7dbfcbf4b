using Xunit.Sdk;
using Xunit.v3;

// Each test has a virtual host of its own on the one broker, or a broker of its own where it stops it. Two: so many wait while they work.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 2)]

// A class with [Trait("broker", "any")] means the same on each version of RabbitMQ, and its comment says why: .ci/run leaves it out where it runs
// these tests on a second version. Without it a class runs on both.
