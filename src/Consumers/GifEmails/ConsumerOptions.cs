using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>The section <c>Consumer</c>: how much one process takes on.</summary>
internal sealed class ConsumerOptions
{
    /// <summary>Mails under way at once. A mail is waiting, not computing: far more than cores; no more than Smtp__Connections helps.</summary>
    [Range(1, 1000, ErrorMessage = "Consumer__ConcurrentMessageLimit must be from 1 to 1000")]
    public int ConcurrentMessageLimit { get; set; } = 16;

    /// <summary>
    /// Messages fetched ahead, so that no worker waits for the broker's answer to its ack. Eight for each worker: more keeps
    /// messages from idle processes when the mail server is slow.
    /// </summary>
    [Range(1, 10_000, ErrorMessage = "Consumer__PrefetchCount must be from 1 to 10000")]
    public int PrefetchCount { get; set; } = 128;
}
