using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>What the parts of the feed share.</summary>
/// <param name="Client">The virtual host.</param>
/// <param name="Options">The settings.</param>
/// <param name="Store">The catalogue.</param>
/// <param name="Time">The clock.</param>
/// <param name="Log">The log.</param>
internal sealed record FeedContext(DeadLetterClient Client, CatalogueOptions Options, CatalogueStore Store, TimeProvider Time, ILogger Log)
{
    /// <summary>The name of the virtual host in the catalogue.</summary>
    public string Source => Broker.Source ?? Options.Source ?? Broker.VirtualHost;

    public CatalogueWriter Writer => Store.Writer;

    public CatalogueReader Reader => Store.Reader;

    public DeadLetterOptions Broker => Client.Services.Options;

    public ManagementClient Management => Client.Services.Management;
}
