using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Granting;

/// <summary>What <c>grant</c> would do.</summary>
/// <param name="User">The RabbitMQ user.</param>
/// <param name="VirtualHost">The virtual host.</param>
/// <param name="Now">Its rights; null if there is no such user.</param>
/// <param name="After">Its rights afterwards.</param>
/// <param name="Tag">The tag that is needed, and why.</param>
/// <param name="Needed">The permissions that are needed.</param>
/// <param name="NotCovered">Dead-letter queues that the patterns of queues do not cover.</param>
internal sealed record GrantPlan(
    string User, string VirtualHost, UserRights? Now, UserRights After, (string Name, string Why) Tag, IReadOnlyList<NeededRight> Needed, IReadOnlyList<string> NotCovered)
{
    /// <summary>Whether there is nothing to do.</summary>
    public bool IsDone => Now is not null && Now.IsSame(After);

    /// <summary>Rights that the user has and would keep, and that the console does not need.</summary>
    public IReadOnlyList<string> Beyond => Now is null ? [] : After.Beyond(Tag.Name, Needed);

    /// <summary>Looks at the broker.</summary>
    /// <param name="users">The users of the broker.</param>
    /// <param name="options">The connection of an administrator, in the virtual host.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="DeadLetterException">The management API does not answer, or refuses a request.</exception>
    /// <exception cref="WrongUsageException">There is no such virtual host.</exception>
    public static async Task<GrantPlan> MakeAsync(BrokerUsers users, DeadLetterOptions options, GrantRequest request, CancellationToken cancellationToken)
    {
        await users.CheckAdministratorAsync(cancellationToken);
        if (!await users.HasVirtualHostAsync(options.VirtualHost, cancellationToken))
            throw new WrongUsageException($"Virtual host \"{options.VirtualHost}\" not found");
        var rights = new NeededRights(request.Queues, options.Names, request.MayOperate);
        using var management = new ManagementClient(options);
        var survey = await RightsSurvey.OfAsync(management, options.Names, rights, request.MayOperate, cancellationToken);
        var needed = rights.List(survey.Exchanges);
        var now = await users.FindAsync(request.User, options.VirtualHost, cancellationToken);
        var after = request.Replaces || now is null ? UserRights.Exactly(NeededRights.Tag, needed) : now.With(NeededRights.Tag, needed);
        return new GrantPlan(request.User, options.VirtualHost, now, after, (NeededRights.Tag, NeededRights.WhyTag), needed, survey.NotCovered);
    }

    /// <summary>Does it.</summary>
    /// <param name="users">The users of the broker.</param>
    /// <param name="password">The password of a new user.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <exception cref="DeadLetterException">The management API does not answer, or refuses a request.</exception>
    public async Task ApplyAsync(BrokerUsers users, string password, CancellationToken cancellationToken)
    {
        if (Now is null)
            await users.CreateAsync(User, password, After.Tags, cancellationToken);
        else if (!Now.Tags.ToHashSet().SetEquals(After.Tags))
            await users.SetTagsAsync(User, After.Tags, cancellationToken);
        await users.SetPermissionsAsync(User, VirtualHost, After, cancellationToken);
    }
}

/// <summary>What the command line asks for.</summary>
/// <param name="User">The RabbitMQ user.</param>
/// <param name="Queues">The patterns of the application's queues.</param>
/// <param name="MayOperate">Whether the user acts, and not only looks.</param>
/// <param name="Replaces">Whether other rights are removed.</param>
internal sealed record GrantRequest(string User, IReadOnlyList<string> Queues, bool MayOperate, bool Replaces);
