using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>What <see cref="LocalServer"/> shows, and to whom.</summary>
internal sealed record LocalServerOptions
{
    /// <summary>The virtual host.</summary>
    public required DeadLetterOptions Broker { get; init; }

    /// <summary>Knows what was sent; null: nothing does.</summary>
    public IReplayAdvisor? Advisor { get; init; }

    /// <summary>The catalogue.</summary>
    public required CatalogueOptions Catalogue { get; init; }

    /// <summary>An audit file whose entries are added to the catalogue's audit log.</summary>
    public required string AuditFile { get; init; }

    /// <summary>Whether RabbitMQ's users sign in, instead of one browser that has a link.</summary>
    public bool SignsIn { get; init; }

    /// <summary>The port on 127.0.0.1; 0: a free one.</summary>
    public required int Port { get; init; }

    /// <summary>The name of the operator in the audit log, unless users sign in.</summary>
    public required string By { get; init; }

    /// <summary>Shows the link, or the address of the sign-in, at the start and when a browser without access asks for a page.</summary>
    public required Func<Uri, Task> ShowLink { get; init; }

    /// <summary>Writes a line of the log.</summary>
    public required Action<string> WriteLog { get; init; }
}
