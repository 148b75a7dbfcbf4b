using System.Text.Json;

namespace WorkinIt.Tests.Settings;

/// <summary>The memory of the services must not depend on the size of the processor's cache, from which the runtime derives how much it allocates before it collects.</summary>
public sealed class ServiceMemoryTests
{
    private const long MiB = 1024 * 1024;

    [Theory]
    [InlineData("Web")]
    [InlineData("Consumers")]
    [InlineData("DeadLetters.Server")]
    public async Task Service_collects_after_16_MiB_at_most(string service)
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"WorkinIt.{service}.runtimeconfig.json");
        using var configuration = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var properties = configuration.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties");
        properties.TryGetProperty("System.GC.Gen0MaxBudget", out var most).ShouldBeTrue();
        most.GetInt64().ShouldBeInRange(MiB, 16 * MiB);
    }
}
