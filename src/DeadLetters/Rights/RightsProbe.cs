using System.Security.Cryptography;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Finds out what the RabbitMQ user may do, without an administrator and without changing anything: only an administrator may read permissions from the
/// management API. It has a temporary queue that takes no messages.
/// </summary>
internal sealed class RightsProbe : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly PublishProbe _publishing;
    private readonly string _queue = $"{QueueLock.Prefix}check:{RandomNumberGenerator.GetHexString(16, lowercase: true)}";

    private RightsProbe(IConnection connection, DeadLetterOptions options)
    {
        _connection = connection;
        _publishing = new PublishProbe(options, "a check at the start");
    }

    /// <summary>Whether the user may declare a temporary queue, which every look at a queue needs.</summary>
    public bool MayLock { get; private set; }

    /// <summary>Whether the user lacks the right to bind a temporary queue, as a replay does.</summary>
    public bool LacksBinding { get; private set; }

    /// <exception cref="DeadLetterException">The broker is unreachable, or refuses the user.</exception>
    public static async Task<RightsProbe> OpenAsync(DeadLetterOptions options, CancellationToken cancellationToken)
    {
        var probe = new RightsProbe(await BrokerConnection.OpenAsync(options, "dead letters: check of the rights", cancellationToken), options);
        try
        {
            var none = new Dictionary<string, object?> { ["x-max-length"] = 0L };
            probe.MayLock = await probe.IsAllowedAsync(channel => channel.QueueDeclareAsync(probe._queue, durable: false, exclusive: true, autoDelete: true, none, cancellationToken: cancellationToken), cancellationToken);
            return probe;
        }
        catch
        {
            await probe.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the user may declare a queue or an exchange of that name. The declaration is invalid, and the broker checks the permission first.</summary>
    public Task<bool> MayConfigureAsync(string name, CancellationToken cancellationToken) => IsAllowedAsync(
        channel => channel.ExchangeDeclareAsync(name, ExchangeType.Fanout, durable: true, autoDelete: false, new Dictionary<string, object?> { ["alternate-exchange"] = 0L }, cancellationToken: cancellationToken), cancellationToken);

    /// <summary>
    /// Whether the user may read from a queue or an exchange of that name. True if that can't be found out: see <see cref="LacksBinding"/>. Binds a queue
    /// that does not exist, and the broker checks the permission first: with a real binding, a message that nobody else gets would seem to have arrived.
    /// </summary>
    public Task<bool> MayReadAsync(string name, CancellationToken cancellationToken) =>
        IsAllowedAsync(channel => channel.QueueBindAsync($"{_queue}:none", name, "", cancellationToken: cancellationToken), cancellationToken);

    /// <summary>Whether the user may publish to an exchange. Publishes in a transaction that is rolled back.</summary>
    public async Task<bool> MayPublishAsync(string exchange, CancellationToken cancellationToken) =>
        await _publishing.RightProblemAsync(exchange, _queue, cancellationToken) is null;

    public async ValueTask DisposeAsync()
    {
        await _publishing.DisposeAsync();
        await _connection.DisposeAsync();
    }

    // Each on a channel of its own: the broker closes a channel whose request it refuses. Anything but a refused access is an answer about something else.
    private async Task<bool> IsAllowedAsync(Func<IChannel, Task> request, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await request(channel);
            return true;
        }
        catch (OperationInterruptedException e) when (_connection.IsOpen)
        {
            var isOwn = e.ShutdownReason is { ReplyCode: Constants.AccessRefused, ReplyText: var text } && MayLock && text.Contains(_queue, StringComparison.Ordinal);
            LacksBinding |= isOwn;
            return isOwn || e.ShutdownReason?.ReplyCode != Constants.AccessRefused;
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            throw new DeadLetterException(DeadLetterProblem.Unreachable, "The connection to the broker was lost while its rights were checked", e);
        }
    }
}
