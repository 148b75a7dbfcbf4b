using System.Globalization;
using System.Security.Cryptography;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Brokers;

/// <summary>The folder of a private broker: its configuration, its data, and small files with what a later command needs to know.</summary>
/// <param name="path">The absolute path.</param>
internal sealed class BrokerFolder(string path)
{
    /// <summary>The absolute path.</summary>
    public string Path => path;

    /// <summary>The node's output.</summary>
    public string Log => File("broker.log");

    /// <summary>The file with the process id.</summary>
    public PidFile Pid { get; } = new(System.IO.Path.Combine(path, "broker.pid"));

    /// <summary>The name of the node or of the container.</summary>
    public string Name => Read("name");

    /// <summary>The image of a broker in a container; empty for a broker on this machine.</summary>
    public string Image => Read("image");

    /// <summary>Returns the path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(path, name);

    /// <summary>Returns the content of a small file, or an empty text if it does not exist.</summary>
    public string Read(string name) => System.IO.File.Exists(File(name)) ? System.IO.File.ReadAllText(File(name)).Trim() : "";

    /// <summary>Returns the lines of a small file; none if it does not exist.</summary>
    public string[] ReadLines(string name) => System.IO.File.Exists(File(name)) ? System.IO.File.ReadAllLines(File(name)) : [];

    /// <summary>Writes a small file.</summary>
    public void Write(string name, string content) => System.IO.File.WriteAllText(File(name), content + "\n");

    /// <summary>Writes a port.</summary>
    public void Write(string name, int port) => Write(name, port.ToString(CultureInfo.InvariantCulture));

    /// <summary>Returns the port that a file contains, or null.</summary>
    public int? Port(string name) => int.TryParse(Read(name), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    /// <summary>Returns a new name. RabbitMQ stores its data under the node's name, so it is chosen once and kept in the folder.</summary>
    public static string NewName() => $"workinit-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5))}";

    /// <summary>Writes the secret that nodes of one cluster share, readable for this user only.</summary>
    /// <param name="cookie">The secret; null generates one unless the folder has one.</param>
    public void WriteCookie(string? cookie = null)
    {
        if (cookie is null && Read(".erlang.cookie").Length > 0)
            return;
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead };
        using var writer = new StreamWriter(File(".erlang.cookie"), options);
        writer.Write(cookie ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20)));
    }
}
