using System.Diagnostics;
using System.Net;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Testbed;

/// <summary>The sample application samples/Orders, which a test project references.</summary>
public sealed class OrdersSample : IAsyncDisposable
{
    private readonly Process _process;

    private OrdersSample(Process process, Uri address) => (_process, Address) = (process, address);

    /// <summary>The path of its dead-letter pages.</summary>
    public static string Pages => "/support/dead-letters";

    /// <summary>Its address.</summary>
    public Uri Address { get; }

    /// <summary>Starts it, and waits until it consumes.</summary>
    /// <param name="virtualHost">Its virtual host.</param>
    public static async Task<OrdersSample> StartAsync(TestVirtualHost virtualHost)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.TakeFree()}");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Orders.dll")])
        {
            RedirectStandardOutput = true, // keeps its intended failures out of the test output
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development"; // maps the sign-in without passwords
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        start.Environment["ConnectionStrings__RabbitMq"] = virtualHost.ConnectionString("operator");
        start.Environment["RabbitMqManagement__Url"] = TestBroker.Required("WORKINIT_TEST_MANAGEMENT");
        start.Environment["AuditFile"] = Path.Combine(Path.GetTempPath(), $"{virtualHost.Name}.jsonl");
        start.Environment["ConnectionStrings__Catalogue"] = $"Data Source={Path.Combine(Path.GetTempPath(), $"{virtualHost.Name}.db")}";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        var process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync();
        var sample = new OrdersSample(process, address);
        using var client = new PageClient(address);
        await Eventually.SeeAsync(() => client.GetAsync(Pages), answer => answer.Status == HttpStatusCode.Redirect, "the sample answers requests");
        await virtualHost.SeeConsumerAsync("place-order");
        return sample;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
