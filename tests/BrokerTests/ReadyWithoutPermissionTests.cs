using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A service whose user may not publish the message that shows whether RabbitMQ accepts messages.</summary>
public sealed class ReadyWithoutPermissionTests
{
    [Theory]
    [InlineData("web")]
    [InlineData("consumers")]
    public async Task Service_that_may_not_publish_its_probe_is_not_ready_and_says_which_permission_it_needs(string user)
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var permissions = $"/api/permissions/{system.VirtualHost.Name}/{user}";
        var usual = await system.Broker.Management.GetFromJsonAsync<JsonElement>(permissions);
        await SetAsync(usual.GetProperty("write").GetString()!.Replace("MassTransit:(Fault.*|ReceiveFault)", "MassTransit:Fault", StringComparison.Ordinal));
        var service = user == "web" ? system.NewWeb() : system.NewConsumers();
        await service.StartAsync("live");

        await Eventually.SeeAsync(
            async () =>
            {
                using var ready = await service.Http.GetAsync("/health/ready");
                return await ready.Content.ReadAsStringAsync();
            },
            text => text.Contains("may not publish to MassTransit:Fault--WorkinIt.Messaging:Probe--", StringComparison.Ordinal),
            "ready names the exchange", TimeSpan.FromSeconds(30));
        await service.SeeReadyAsync(false, TimeSpan.FromSeconds(1));

        await SetAsync(usual.GetProperty("write").GetString()!);
        await service.SeeReadyAsync(true, TimeSpan.FromSeconds(30)); // it asks again after ten seconds

        async Task SetAsync(string write) => (await system.Broker.Management.PutAsJsonAsync(
            permissions, new { configure = usual.GetProperty("configure").GetString(), write, read = usual.GetProperty("read").GetString() })).EnsureSuccessStatusCode();
    }
}
