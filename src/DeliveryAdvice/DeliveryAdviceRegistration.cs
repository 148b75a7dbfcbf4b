using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.DeliveryAdvice;

/// <summary>The ledger's advice as a service.</summary>
public static class DeliveryAdviceRegistration
{
    /// <summary>Adds the advisor; it is asked before and after each replay.</summary>
    /// <param name="services">The services, with a <see cref="DeadLetterOptions"/> among them.</param>
    /// <param name="database">The ledger's database.</param>
    public static IServiceCollection AddDeliveryAdvice(this IServiceCollection services, Database database) =>
        services.AddSingleton<IReplayAdvisor>(provider => new DeliveryAdvisor(
            new DeliveryLedger(database, new GroupCommit(database), TimeProvider.System), new StatusNotice(provider.GetRequiredService<DeadLetterOptions>())));
}
