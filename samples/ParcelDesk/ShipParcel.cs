namespace Parcels;

/// <summary>The command to ship a parcel. The worker has the same record: the full name of the type is the contract.</summary>
public sealed record ShipParcel(Guid ParcelId, string Town);
