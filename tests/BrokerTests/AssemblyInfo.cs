using Xunit.Sdk;
using Xunit.v3;

// One broker for all: a test that stops it must run alone.
[assembly: Parallelization(Mode = ParallelMode.None)]
