using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>A certificate authority that only this process trusts.</summary>
internal static partial class TrustedAuthority
{
    public static TestAuthority Instance { get; } = new();

    // OpenSSL reads the variable when the first certificate chain is built, so it is set before any test. OpenSSL reads the process's own
    // environment, and .NET's is only a copy of it, so it is set with libc.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "This assembly is the test process and not a library")]
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
