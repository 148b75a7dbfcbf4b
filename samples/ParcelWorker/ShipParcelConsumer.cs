using MassTransit;
using Microsoft.Extensions.Logging;
using Parcels;

namespace ParcelWorker;

/// <summary>The roads that the worker knows.</summary>
/// <param name="Closed">The town that no road leads to.</param>
public sealed record Roads(string Closed);

public sealed class NoRoadException(string message) : Exception(message);

public sealed partial class ShipParcelConsumer(Roads roads, ILogger<ShipParcelConsumer> log) : IConsumer<ShipParcel>
{
    public Task Consume(ConsumeContext<ShipParcel> context)
    {
        var (parcelId, town) = context.Message;
        if (town == roads.Closed)
            throw new NoRoadException($"No road leads to {town}");
        LogShipped(parcelId);
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Parcel {ParcelId} shipped")]
    private partial void LogShipped(Guid parcelId);
}
