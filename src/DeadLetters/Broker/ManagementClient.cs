using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Refit;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>A client of RabbitMQ's management API for one virtual host.</summary>
internal sealed class ManagementClient : IDisposable
{
    private readonly DeadLetterOptions _options;
    private readonly HttpClient _http;
    private readonly IManagementApi _api;

    public ManagementClient(DeadLetterOptions options)
    {
        _options = options;
        _http = Connect(options);
        _api = RestService.ForGenerated<IManagementApi>(_http);
    }

    /// <summary>Creates a client of the management API that sends the user and the password.</summary>
    public static HttpClient Connect(DeadLetterOptions options)
    {
        var http = ConnectTo(options.Management);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{options.Username}:{options.Password}")));
        return http;
    }

    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task<IReadOnlyList<BrokerQueue>> QueuesAsync(CancellationToken cancellationToken) =>
        await SendAsync(_api.QueuesAsync(_options.VirtualHost, cancellationToken)) ?? [];

    /// <returns>Null if it does not exist.</returns>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public Task<BrokerQueue?> QueueAsync(string queue, CancellationToken cancellationToken) => SendAsync(_api.QueueAsync(_options.VirtualHost, queue, cancellationToken));

    /// <returns>Null if it does not exist.</returns>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public Task<BrokerExchange?> ExchangeAsync(string exchange, CancellationToken cancellationToken) => SendAsync(_api.ExchangeAsync(_options.VirtualHost, exchange, cancellationToken));

    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task<IReadOnlyList<BrokerBinding>> BindingsFromAsync(string exchange, CancellationToken cancellationToken) =>
        await SendAsync(_api.BindingsFromAsync(_options.VirtualHost, exchange, cancellationToken)) ?? [];

    /// <summary>All bindings of the virtual host, those of the default exchange included.</summary>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task<IReadOnlyList<BrokerBinding>> BindingsAsync(CancellationToken cancellationToken) =>
        await SendAsync(_api.BindingsAsync(_options.VirtualHost, cancellationToken)) ?? [];

    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task<IReadOnlyList<BrokerExchange>> ExchangesAsync(CancellationToken cancellationToken) =>
        await SendAsync(_api.ExchangesAsync(_options.VirtualHost, cancellationToken)) ?? [];

    /// <returns>Null if it does not exist.</returns>
    /// <exception cref="DeadLetterException">The API does not answer, or the user may not read policies, which requires an administrator.</exception>
    public Task<BrokerPolicy?> PolicyAsync(string policy, CancellationToken cancellationToken) => SendAsync(_api.PolicyAsync(_options.VirtualHost, policy, cancellationToken));

    /// <summary>The alarm that stops the broker from accepting messages, as text; null if there is none, or if the API does not report it.</summary>
    public async Task<string?> AlarmAsync(CancellationToken cancellationToken)
    {
        try
        {
            // This check reads the broker's current state; the alarms in /api/nodes are some seconds old. A failed check is a 503 with its details.
            using var check = await _api.AlarmsAsync(cancellationToken);
            if (check.StatusCode != HttpStatusCode.ServiceUnavailable || check.Error is not ApiException { Content: { } content })
                return null;
            var alarms = JsonSerializer.Deserialize<BrokerAlarmCheck>(content)?.Alarms ?? [];
            return AlarmWords.LowOn(string.Join(", ", alarms.Select(alarm => alarm.Resource))) is { } low ? $"it is {low}"
                : alarms is [var other, ..] ? $"it has an alarm ({other.Resource})" : null;
        }
        catch (Exception e) when (e is HttpRequestException or ApiException or JsonException or OperationCanceledException { InnerException: TimeoutException })
        {
            return null; // connection.blocked reports it too, after the first message
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<T?> SendAsync<T>(Task<ApiResponse<T>> request)
        where T : class
    {
        ApiResponse<T> response;
        try
        {
            response = await request;
        }
        catch (Exception e) when (e is HttpRequestException or ApiException or OperationCanceledException { InnerException: TimeoutException })
        {
            throw Unreachable(e);
        }
        using (response)
        {
            return response.StatusCode switch
            {
                HttpStatusCode.NotFound => null,
                HttpStatusCode.Unauthorized => throw new DeadLetterException(DeadLetterProblem.Unreachable, $"The management API at {_options.Management} refuses the user {_options.Username}: it needs the tag management, and permissions on {_options.VirtualHost}"),
                _ when response is { IsSuccessStatusCode: true, Content: { } content } => content,
                { } status => throw new DeadLetterException(DeadLetterProblem.Unreachable, $"The management API at {_options.Management} returned {(int)status}", response.Error),
                null => throw Unreachable(response.Error),
            };
        }
    }

    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The client disposes its handler")]
    private static HttpClient ConnectTo(Uri management) => new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(3), SslOptions = { RemoteCertificateValidationCallback = ServerCertificate.Check } })
    {
        BaseAddress = management,
        Timeout = TimeSpan.FromSeconds(20),
    };

    private DeadLetterException Unreachable(Exception? cause) => Unreachable(_options, cause);

    /// <summary>The error of an API that does not answer.</summary>
    public static DeadLetterException Unreachable(DeadLetterOptions options, Exception? cause) =>
        new(
            DeadLetterProblem.Unreachable,
            ServerCertificate.ProblemIn(cause) is { } problem ? $"The management API at {options.Management} can't be trusted. {problem}"
            : $"The management API is unreachable at {options.Management}: check the address, and that the plugin is enabled. A queue given by name works without it",
            cause);
}

/// <summary>The parts of RabbitMQ's management API that are used here. Source: rabbitmq.com/docs/http-api-reference.</summary>
internal interface IManagementApi
{
    [Get("/api/queues/{virtualHost}")]
    Task<ApiResponse<IReadOnlyList<BrokerQueue>>> QueuesAsync(string virtualHost, CancellationToken cancellationToken);

    [Get("/api/queues/{virtualHost}/{queue}")]
    Task<ApiResponse<BrokerQueue>> QueueAsync(string virtualHost, string queue, CancellationToken cancellationToken);

    [Get("/api/exchanges/{virtualHost}/{exchange}")]
    Task<ApiResponse<BrokerExchange>> ExchangeAsync(string virtualHost, string exchange, CancellationToken cancellationToken);

    [Get("/api/exchanges/{virtualHost}/{exchange}/bindings/source")]
    Task<ApiResponse<IReadOnlyList<BrokerBinding>>> BindingsFromAsync(string virtualHost, string exchange, CancellationToken cancellationToken);

    [Get("/api/bindings/{virtualHost}")]
    Task<ApiResponse<IReadOnlyList<BrokerBinding>>> BindingsAsync(string virtualHost, CancellationToken cancellationToken);

    [Get("/api/exchanges/{virtualHost}")]
    Task<ApiResponse<IReadOnlyList<BrokerExchange>>> ExchangesAsync(string virtualHost, CancellationToken cancellationToken);

    [Get("/api/policies/{virtualHost}/{policy}")]
    Task<ApiResponse<BrokerPolicy>> PolicyAsync(string virtualHost, string policy, CancellationToken cancellationToken);

    [Get("/api/health/checks/alarms")]
    Task<ApiResponse<BrokerAlarmCheck>> AlarmsAsync(CancellationToken cancellationToken);
}
