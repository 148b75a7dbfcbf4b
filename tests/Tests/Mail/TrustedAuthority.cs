using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>A certificate authority that this process trusts, and nobody else.</summary>
internal static partial class TrustedAuthority
{
    public static TestAuthority Instance { get; } = new();

    // OpenSSL looks at the variable when the first chain is built, so before any test; and only at the process's own environment,
    // of which .NET's is a copy.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "This is the tests' own process")]
    internal static void Trust()
    {
        var bundle = Path.Combine(Directory.CreateTempSubdirectory("workinit-ca-").FullName, "ca.pem");
        File.WriteAllText(bundle, Instance.Pem);
        if (SetEnvironment("SSL_CERT_FILE", bundle, overwrite: 1) != 0)
            throw new InvalidOperationException("SSL_CERT_FILE can't be set");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Path.GetDirectoryName(bundle)!, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
