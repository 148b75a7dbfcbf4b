using Microsoft.Extensions.Options;

namespace WorkinIt.Messaging;

/// <summary>The broker's setting in the section <c>ConnectionStrings</c>.</summary>
public sealed class RabbitMqOptions
{
    /// <summary><c>ConnectionStrings__RabbitMq</c>; see <see cref="RabbitMqConnection"/>.</summary>
    public string? RabbitMq { get; set; }

    /// <summary>The parsed connection string. Valid once the host has started.</summary>
    internal RabbitMqConnection Connection =>
        RabbitMqConnection.TryParse(RabbitMq, out var connection, out var error) ? connection : throw new FormatException(error);
}

internal sealed class RabbitMqOptionsValidator : IValidateOptions<RabbitMqOptions>
{
    public ValidateOptionsResult Validate(string? name, RabbitMqOptions options) =>
        string.IsNullOrWhiteSpace(options.RabbitMq)
            ? ValidateOptionsResult.Fail("ConnectionStrings__RabbitMq is not set: amqp://user:password@host:5672/vhost")
            : RabbitMqConnection.TryParse(options.RabbitMq, out _, out var error)
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail($"ConnectionStrings__RabbitMq can't be read: {error}");
}
