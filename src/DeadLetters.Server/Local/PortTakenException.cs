using System.Globalization;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>Another process listens on the port.</summary>
/// <param name="port">The port.</param>
/// <param name="cause">The error of the network.</param>
internal sealed class PortTakenException(int port, Exception cause) : Exception(string.Create(CultureInfo.InvariantCulture, $"Port {port} of 127.0.0.1 is in use"), cause);
