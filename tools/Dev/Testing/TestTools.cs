using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Testing;

/// <summary>Programs that the tests need.</summary>
internal static class TestTools
{
    /// <summary>The path of Chromium, or null.</summary>
    public static string? Chromium => Command.Find("chromium") ?? Command.Find("chromium-browser");

    /// <summary>Installs what is missing for the requested parts.</summary>
    public static async Task InstallAsync(TestArguments parts, CancellationToken cancellation)
    {
        if (parts.Asks("broker", "faults", "browser", "docs", "scan"))
            await NodePackages.RequireNodeAsync();
        var packages = new List<string>();
        if (parts.Asks("broker", "faults")) // the fault tests break a database, the clock and the network
        {
            Need(packages, "postgresql", Has("/usr/lib/postgresql", "initdb"));
            Need(packages, "faketime", Has("/usr/lib", "libfaketime.so.1"));
            Need(packages, "iptables", Command.Exists("iptables") || File.Exists("/usr/sbin/iptables"));
            Need(packages, "postfix", !parts.Long || File.Exists("/usr/lib/postfix/sbin/master"));
        }
        if (parts.Asks("broker")) // checks our mails
            Need(packages, "spamassassin", Command.Exists("spamassassin"));
        if (parts.Asks("browser"))
            Need(packages, "chromium", Chromium is not null);
        if (parts.Asks("style"))
        {
            Need(packages, "shellcheck", Command.Exists("shellcheck"));
            Need(packages, "prometheus", Command.Exists("promtool"));
        }
        if (parts.Asks("docs")) // a reader's commands use it
            Need(packages, "curl", Command.Exists("curl"));
        if (parts.Asks("scan"))
        {
            foreach (var name in new[] { "wapiti", "openssl" })
                Need(packages, name, Command.Exists(name));
        }
        if (packages.Count > 0)
            await AptPackages.InstallAsync(packages, cancellation);
        if (parts.Asks("browser"))
            Environment.SetEnvironmentVariable("WORKINIT_TEST_CHROMIUM", Chromium);
    }

    private static void Need(List<string> packages, string package, bool isThere)
    {
        if (!isThere)
            packages.Add(package);
    }

    private static bool Has(string folder, string file) => Directory.Exists(folder) && Directory.EnumerateFiles(
        folder, file, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3, IgnoreInaccessible = true }).Any();
}
