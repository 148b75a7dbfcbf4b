namespace WorkinIt.Web.Submissions;

/// <summary>The result of adding a submission.</summary>
internal enum Addition
{
    /// <summary>It is new and committed.</summary>
    Added,

    /// <summary>It already exists: same id, same address, same thought.</summary>
    Known,

    /// <summary>Its id is used by another submission.</summary>
    Conflict,

    /// <summary>Its recipient has reached the limit.</summary>
    TooMany,
}
