using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.DeliveryAdvice;

/// <summary>Registers the delivery ledger's advisor.</summary>
public static class DeliveryAdviceRegistration
{
    /// <summary>Adds the advisor, which is queried before and after each replay.</summary>
    /// <param name="services">The services, which must include a <see cref="DeadLetterOptions"/>.</param>
    /// <param name="database">The ledger's database.</param>
    public static IServiceCollection AddDeliveryAdvice(this IServiceCollection services, Database database) =>
        services.AddSingleton<IReplayAdvisor>(provider => new DeliveryAdvisor(
            new DeliveryLedger(database, new GroupCommit(database), TimeProvider.System), new StatusNotice(provider.GetRequiredService<DeadLetterOptions>())));
}
