namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>The keys of a replay in order.</summary>
/// <param name="By">The field with the key.</param>
/// <param name="Keys">How many keys there are.</param>
/// <param name="Longest">The most messages of one key.</param>
/// <param name="WithoutKey">How many messages have no key.</param>
/// <param name="PassingOthers">How many keys have an earlier dead letter that is not selected.</param>
/// <param name="HeldBack">The keys that are held back.</param>
internal sealed record ApiKeys(string By, long Keys, long Longest, long WithoutKey, long PassingOthers, IReadOnlyList<ApiHeldKey> HeldBack)
{
    public static ApiKeys? Of(ReplayOrder? order) => order is null ? null : new ApiKeys(
        order.By, order.Keys, order.Longest, order.WithoutKey, order.PassingOthers,
        [.. order.HeldBack.Select(held => new ApiHeldKey(held.Key, held.Letters, held.Id, held.MessageId is { } id ? Shared.Format.IdOf(id, "") : null, held.Why))]);
}

/// <summary>A key of which messages are held back.</summary>
/// <param name="Key">The key, masked.</param>
/// <param name="Letters">How many messages.</param>
/// <param name="Id">The dead letter because of which they are.</param>
/// <param name="MessageId">Its MessageId, masked; null if it has none.</param>
/// <param name="Why">What became of it.</param>
internal sealed record ApiHeldKey(string Key, long Letters, string Id, string? MessageId, string Why);
