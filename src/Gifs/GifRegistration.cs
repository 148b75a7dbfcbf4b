using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using Refit;
using WorkinIt.Gifs.Giphy;

namespace WorkinIt.Gifs;

/// <summary>Registers the sources of GIFs.</summary>
public static class GifRegistration
{
    /// <summary>Adds the built-in collection, and Giphy, which is used if <c>Giphy__ApiKey</c> is set.</summary>
    /// <param name="services">The services.</param>
    public static IServiceCollection AddGifs(this IServiceCollection services)
    {
        services.AddOptions<GiphyOptions>().BindConfiguration("Giphy").ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<BuiltInGifs>();
        services.AddRefitGeneratedClient<IGiphyApi>()
            .ConfigureHttpClient((provider, http) =>
            {
                http.BaseAddress = provider.GetRequiredService<IOptions<GiphyOptions>>().Value.BaseUrl;
                http.Timeout = Timeout.InfiniteTimeSpan; // the resilience pipeline sets the timeout
            })
            .RemoveAllLoggers() // a request's URL contains the key and the thought
            .AddResilienceHandler("giphy", static (pipeline, context) => AddResilience(
                pipeline,
                context.ServiceProvider.GetRequiredService<GiphyCircuit>(),
                context.ServiceProvider.GetRequiredService<IOptions<GiphyOptions>>().Value.Timeout));
        services.AddSingleton<GiphyGifFinder>();
        services.AddSingleton<GiphyCircuit>();
        return services.AddSingleton<IGifFinder>(provider =>
            string.IsNullOrWhiteSpace(provider.GetRequiredService<IOptions<GiphyOptions>>().Value.ApiKey)
                ? provider.GetRequiredService<BuiltInGifs>()
                : provider.GetRequiredService<GiphyGifFinder>());
    }

    private static void AddResilience(ResiliencePipelineBuilder<HttpResponseMessage> pipeline, GiphyCircuit circuit, TimeSpan timeout)
    {
        pipeline.AddTimeout(timeout);
        pipeline.AddRetry(new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(300),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            // No retry after a 429, or another response with Retry-After: the message waits in a delay queue instead of blocking a worker.
            // No retry while the circuit is not closed: a failed probe opens it again, so the retry would only hit the open circuit.
            ShouldHandle = arguments => ValueTask.FromResult(
                HttpClientResiliencePredicates.IsTransient(arguments.Outcome)
                && arguments.Outcome.Result?.StatusCode != System.Net.HttpStatusCode.TooManyRequests
                && arguments.Outcome.Result?.Headers.RetryAfter is null
                && !circuit.IsOpen),
        });
        pipeline.AddCircuitBreaker(new HttpCircuitBreakerStrategyOptions
        {
            FailureRatio = 0.8,
            MinimumThroughput = 10,
            SamplingDuration = TimeSpan.FromSeconds(30),
            BreakDuration = GiphyCircuit.Break,
            StateProvider = circuit.State,
        });
        pipeline.AddTimeout(timeout / 2);
    }
}
