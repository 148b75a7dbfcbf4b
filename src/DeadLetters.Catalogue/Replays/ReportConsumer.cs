using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters.Catalogue.Feed;

namespace WorkinIt.DeadLetters.Catalogue.Replays;

/// <summary>
/// Consumes the queue of the reports in batches. A batch is acked when it is in the catalogue. A batch that is delivered again changes nothing.
/// </summary>
internal sealed partial class ReportConsumer(FeedContext context)
{
    private const ushort Prefetch = 200;
    private static readonly TimeSpan _linger = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);
    private readonly ILogger _log = context.Log;
    private string? _problem;

    /// <summary>Why outcomes are not kept after the end of an operation, and what to do about it; null if they are.</summary>
    public string? Problem => _problem;

    /// <summary>Consumes until the connection is closed. Declares the queue again if somebody deletes it.</summary>
    /// <param name="connection">The feed's connection.</param>
    /// <param name="cancellationToken">Ends it; reports that are not acked return to the queue.</param>
    public async Task RunAsync(IConnection connection, CancellationToken cancellationToken)
    {
        while (connection.IsOpen && !cancellationToken.IsCancellationRequested)
        {
            try
            {
                await ReportQueue.DeclareAsync(connection, cancellationToken);
                await ConsumeAsync(connection, cancellationToken);
            }
            catch (DeadLetterException e) when (connection.IsOpen)
            {
                SetProblem(ReportExchange.ProblemOf(e, context.Broker.Username));
            }
            catch (Exception e) when (connection.IsOpen && !cancellationToken.IsCancellationRequested)
            {
                SetProblem($"What the application reports can’t be kept now: {e.Message}");
            }
            await Task.Delay(_pause, context.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void SetProblem(string problem)
    {
        if (problem != _problem)
            LogProblem(problem);
        _problem = problem;
    }

    private async Task ConsumeAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var inbox = Channel.CreateUnbounded<ReportDelivery>(new UnboundedChannelOptions { SingleReader = true }); // the prefetch bounds it
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            inbox.Writer.TryWrite(Read(delivery));
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) => EndAsync();
        consumer.ShutdownAsync += (_, _) => EndAsync();
        await channel.BasicQosAsync(0, Prefetch, global: false, cancellationToken);
        await channel.BasicConsumeAsync(ReplayNotice.Queue, autoAck: false, consumer, cancellationToken);
        _problem = null;
        while (await inbox.Reader.WaitToReadAsync(cancellationToken))
        {
            var batch = await BatchAsync(inbox.Reader, cancellationToken);
            await WriteAsync(batch, cancellationToken);
            await channel.BasicAckAsync(batch[^1].Tag, multiple: true, cancellationToken);
        }

        Task EndAsync()
        {
            inbox.Writer.TryComplete();
            return Task.CompletedTask;
        }
    }

    // A report comes through the exchange, to which applications may publish. A notice comes straight to the queue, to which they may not.
    private static ReportDelivery Read(BasicDeliverEventArgs delivery) => new(
        delivery.DeliveryTag,
        delivery.Exchange == ReplayReport.Exchange ? ReportReader.Read(delivery.RoutingKey, delivery.BasicProperties, delivery.Body.Span) : null,
        delivery.Exchange.Length == 0 && delivery.BasicProperties is { Type: ReplayNotice.MessageType } ? ReplayNotice.Read(delivery.Body.Span) : null);

    private static async Task<List<ReportDelivery>> BatchAsync(ChannelReader<ReportDelivery> inbox, CancellationToken cancellationToken)
    {
        var batch = new List<ReportDelivery>();
        using var linger = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        linger.CancelAfter(_linger);
        try
        {
            do
            {
                while (batch.Count < Prefetch && inbox.TryRead(out var one))
                    batch.Add(one);
            }
            while (batch.Count < Prefetch && await inbox.WaitToReadAsync(linger.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // No more for now.
        }
        return batch;
    }

    private async Task WriteAsync(List<ReportDelivery> batch, CancellationToken cancellationToken)
    {
        try
        {
            await UntilWrittenAsync(batch, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException && !FeedIntake.IsOfTheDatabase(e))
        {
            if (batch.Count == 1)
            {
                LogSkipped(e.GetType().Name);
                return;
            }
            foreach (var half in batch.Chunk((batch.Count + 1) / 2))
                await WriteAsync([.. half], cancellationToken);
        }
    }

    private async Task UntilWrittenAsync(List<ReportDelivery> batch, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await context.Store.Replays.WriteAsync(context.Source, batch, cancellationToken);
                return;
            }
            catch (Exception e) when (FeedIntake.IsOfTheDatabase(e))
            {
                await Task.Delay(_pause, context.Time, cancellationToken); // the feed logs it
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Outcomes are not kept after the end of an operation: {Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "A report about a replayed message can't be written to the catalogue ({Error})")]
    private partial void LogSkipped(string error);
}
