namespace WorkinIt.DeadLetters.Catalogue.Tokens;

/// <summary>What a token of the API may do.</summary>
internal enum TokenScope
{
    /// <summary>Read, masked.</summary>
    View,

    /// <summary>Read, also unmasked, and act.</summary>
    Operate,
}

/// <summary>A token of the API, as it is kept: without the token itself.</summary>
internal sealed record ApiToken
{
    /// <summary>Names the token on pages and in the audit log, as in <c>t_3fa91c02</c>. It gives no access.</summary>
    public required string Id { get; init; }

    /// <summary>The program that uses it, as its maker wrote it.</summary>
    public required string Name { get; init; }

    public required TokenScope Scope { get; init; }

    /// <summary>The operator who made it.</summary>
    public required string MadeBy { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>When it expires; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was revoked; null: it is not.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>The operator who revoked it.</summary>
    public string? RevokedBy { get; init; }

    /// <summary>When it was last used, to the minute; null: never.</summary>
    public DateTimeOffset? UsedAt { get; init; }

    /// <summary>Who acts with it, as the audit log records it.</summary>
    public string By => $"{MadeBy} (token {Name}, {Id})";

    /// <summary>Why it gives no access at a time; null if it gives access.</summary>
    public string? Refusal(DateTimeOffset now) =>
        RevokedAt is not null ? "The token was revoked." : ExpiresAt <= now ? "The token has expired." : null;
}
