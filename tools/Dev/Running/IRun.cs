namespace WorkinIt.Dev.Running;

/// <summary>How ./run runs everything: on this machine, or in containers.</summary>
internal interface IRun
{
    /// <summary>Its name: local or docker.</summary>
    string Kind { get; }

    /// <summary>Where the logs are, for the person at the terminal.</summary>
    string Logs { get; }

    /// <summary>Checks what must be true before anything is started.</summary>
    Task PrepareAsync();

    /// <summary>Starts everything and waits until it is ready.</summary>
    /// <param name="cancellation">Cancelled before <see cref="StopAsync"/>.</param>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>Returns false, and prints why, if Web or Consumers has ended. Reports when the broker or the mail server stops or returns.</summary>
    Task<bool> IsThereAsync();

    /// <summary>Stops everything in order.</summary>
    Task StopAsync();
}
