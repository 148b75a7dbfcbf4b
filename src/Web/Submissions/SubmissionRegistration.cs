using Microsoft.Extensions.DependencyInjection.Extensions;
using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

internal static class SubmissionRegistration
{
    public static IServiceCollection AddSubmissions(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddRabbitMqBus();
        return services.AddSingleton<SubmissionDesk>();
    }
}
