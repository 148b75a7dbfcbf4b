using System.Data.Common;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Deliveries;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.Ledger;

/// <summary><c>--accept-ledger</c>: accepts the current ledger from now on, even if records are missing from it.</summary>
internal static class LedgerAcceptance
{
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IServiceProvider services)
    {
        try
        {
            await Console.Out.WriteLineAsync(await AcceptAsync(services.GetRequiredService<DeliveryLedger>(), services.GetRequiredService<ILedgerMarkCopy>()));
            return 0;
        }
        catch (Exception e) when (e is DbException or RabbitMQClientException or IOException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync(
                $"Not accepted: the ledger or its mark in {QueueTopology.LedgerQueue} is unreachable ({e.GetType().Name}). Check ConnectionStrings__RabbitMq, ConnectionStrings__Deliveries, and that the topology was deployed");
            return 1;
        }
    }

    private static async Task<string> AcceptAsync(DeliveryLedger ledger, ILedgerMarkCopy outside)
    {
        var known = await outside.ReadAsync(CancellationToken.None);
        if (known is null)
            return "Nothing to accept: RabbitMQ has no mark yet to compare the delivery ledger with.";
        if (ledger.FindMark()?.Covers(known) == true)
            return "Nothing to accept: the delivery ledger matches its mark.";
        await outside.WriteAsync(await ledger.GrowMarkAsync(known.Number, CancellationToken.None), CancellationToken.None);
        return "Accepted. Running Consumers mail the waiting submissions within the first delay. Mails that this ledger has no record of may be sent twice.";
    }
}
