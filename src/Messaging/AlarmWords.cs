namespace WorkinIt.Messaging;

/// <summary>Describes RabbitMQ's alarms in the same words wherever they are reported.</summary>
internal static class AlarmWords
{
    /// <summary>
    /// Names what the broker is low on, from the reason of connection.blocked or the resources of the management API. RabbitMQ says "disk" or
    /// "disk space", depending on its version, and "low on memory &amp; disk" for two alarms.
    /// </summary>
    /// <param name="text">The broker's text.</param>
    /// <returns>Such as "low on disk space"; null if the text names neither memory nor disk.</returns>
    public static string? LowOn(string? text)
    {
        return (Names("memory"), Names("disk")) switch
        {
            (true, true) => "low on memory and disk space",
            (true, false) => "low on memory",
            (false, true) => "low on disk space",
            _ => null,
        };

        bool Names(string resource) => text?.Contains(resource, StringComparison.Ordinal) == true;
    }
}
