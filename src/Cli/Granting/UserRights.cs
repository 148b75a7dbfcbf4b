using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Granting;

/// <summary>The tags of a RabbitMQ user, and its permissions in one virtual host.</summary>
/// <param name="Tags">The tags.</param>
/// <param name="Configure">A regular expression; empty: nothing.</param>
/// <param name="Write">A regular expression; empty: nothing.</param>
/// <param name="Read">A regular expression; empty: nothing.</param>
internal sealed record UserRights(IReadOnlyList<string> Tags, string Configure, string Write, string Read)
{
    // Each tag includes the ones after it that it names here. Source: rabbitmq.com/docs/management#permissions.
    private static readonly Dictionary<string, string[]> _including = new()
    {
        ["management"] = ["management", "monitoring", "policymaker", "administrator"],
    };

    /// <summary>A user without rights.</summary>
    public static UserRights None { get; } = new([], "", "", "");

    /// <summary>The regular expression of a permission.</summary>
    public string Of(BrokerPermission permission) => permission switch
    {
        BrokerPermission.Configure => Configure,
        BrokerPermission.Write => Write,
        _ => Read,
    };

    /// <summary>Exactly these rights.</summary>
    public static UserRights Exactly(string tag, IReadOnlyList<NeededRight> needed)
    {
        return new UserRights([tag], All(BrokerPermission.Configure), All(BrokerPermission.Write), All(BrokerPermission.Read));

        string All(BrokerPermission permission) => RightsPattern.Of(Patterns(needed, permission));
    }

    /// <summary>These rights, and what is missing. Nothing is taken away.</summary>
    public UserRights With(string tag, IReadOnlyList<NeededRight> needed)
    {
        return new UserRights(HasTag(tag) ? Tags : [.. Tags, tag], Plus(BrokerPermission.Configure), Plus(BrokerPermission.Write), Plus(BrokerPermission.Read));

        string Plus(BrokerPermission permission) => RightsPattern.With(Of(permission), Patterns(needed, permission));
    }

    /// <summary>The rights beside the needed ones.</summary>
    public IReadOnlyList<string> Beyond(string tag, IReadOnlyList<NeededRight> needed) =>
    [
        .. Tags.Where(own => own != tag).Select(own => $"tag {own}"),
        .. Enum.GetValues<BrokerPermission>().SelectMany(permission => RightsPattern.Beyond(Of(permission), Patterns(needed, permission)).Select(pattern => $"{Word(permission)} {pattern}")),
    ];

    /// <summary>Whether both give the same.</summary>
    public bool IsSame(UserRights other) => Tags.ToHashSet().SetEquals(other.Tags) && (Configure, Write, Read) == (other.Configure, other.Write, other.Read);

    /// <summary>The permission's name in RabbitMQ.</summary>
    public static string Word(BrokerPermission permission) => permission.ToString().ToLowerInvariant();

    private bool HasTag(string tag) => Tags.Any(own => _including[tag].Contains(own));

    private static List<string> Patterns(IReadOnlyList<NeededRight> needed, BrokerPermission permission) =>
        [.. needed.Where(right => right.Permission == permission).Select(right => right.Pattern)];
}
