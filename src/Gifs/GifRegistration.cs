using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using Refit;
using WorkinIt.Gifs.Giphy;

namespace WorkinIt.Gifs;

/// <summary>Where GIFs come from.</summary>
public static class GifRegistration
{
    /// <summary>Adds the built-in collection, and Giphy for when <c>Giphy__ApiKey</c> is set.</summary>
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
                http.Timeout = Timeout.InfiniteTimeSpan; // the resilience pipeline has the deadline
            })
            .RemoveAllLoggers() // a request's URL holds the key and the thought
            .AddResilienceHandler("giphy", static (pipeline, context) =>
            {
                var circuit = context.ServiceProvider.GetRequiredService<GiphyCircuit>();
                var timeout = context.ServiceProvider.GetRequiredService<IOptions<GiphyOptions>>().Value.Timeout;
                pipeline.AddTimeout(timeout);
                pipeline.AddRetry(new HttpRetryStrategyOptions
                {
                    MaxRetryAttempts = 2,
                    Delay = TimeSpan.FromMilliseconds(300),
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    // A 429, and whatever else asks for a pause, is waited out by the message, not by a worker that others need.
                    // And the one that asks whether Giphy is back would only meet the breaker that it has opened again.
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
            });
        services.AddSingleton<GiphyGifFinder>();
        services.AddSingleton<GiphyCircuit>();
        return services.AddSingleton<IGifFinder>(provider =>
            string.IsNullOrWhiteSpace(provider.GetRequiredService<IOptions<GiphyOptions>>().Value.ApiKey)
                ? provider.GetRequiredService<BuiltInGifs>()
                : provider.GetRequiredService<GiphyGifFinder>());
    }
}
