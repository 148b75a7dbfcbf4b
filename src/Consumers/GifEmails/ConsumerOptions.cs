using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>The section <c>Consumer</c>: how many messages one process handles.</summary>
internal sealed class ConsumerOptions
{
    /// <summary>Mails sent concurrently. Sending is I/O-bound, so this may far exceed the number of cores. More than Smtp__Connections does not help.</summary>
    [Range(1, 1000, ErrorMessage = "Consumer__ConcurrentMessageLimit must be from 1 to 1000")]
    public int ConcurrentMessageLimit { get; set; } = 16;

    /// <summary>
    /// Messages fetched ahead, so that no worker waits for the broker to process its ack. The default is eight for each worker. A higher
    /// value keeps messages from idle processes when the mail server is slow.
    /// </summary>
    [Range(1, 10_000, ErrorMessage = "Consumer__PrefetchCount must be from 1 to 10000")]
    public int PrefetchCount { get; set; } = 128;
}
