using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>The exchange of the reports.</summary>
internal static class ReportExchange
{
    /// <summary>Declares the exchange, unless it exists.</summary>
    /// <param name="connection">A connection to the broker.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The exchange does not exist, and the user may not declare it.</exception>
    public static async Task DeclareAsync(IConnection connection, CancellationToken cancellationToken)
    {
        if (await new QueueDeclarations(connection).HasExchangeAsync(ReplayReport.Exchange, cancellationToken))
            return;
        await connection.OnOwnChannelAsync(ReplayReport.Exchange, async channel =>
        {
            await channel.ExchangeDeclareAsync(ReplayReport.Exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
            return true;
        }, cancellationToken);
    }

    /// <summary>Why reports can't be received, and what to do about it.</summary>
    /// <param name="e">What the broker refused.</param>
    /// <param name="username">The RabbitMQ user.</param>
    public static string ProblemOf(DeadLetterException e, string username) => e.Problem == DeadLetterProblem.Forbidden
        ? $"What the application reports can’t be received: give the RabbitMQ user {username} the permissions configure, write and read on {ReplayReport.Exchange}"
        : $"What the application reports can’t be received: {e.Message}";
}
