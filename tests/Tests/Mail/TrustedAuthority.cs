using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Tests.Mail;

/// <summary>A certificate authority that this process trusts, and nobody else.</summary>
internal static partial class TestAuthority
{
    private static readonly X509Certificate2 _authority = CreateAuthority();

    // OpenSSL looks at the variable when the first chain is built, so before any test; and only at the process's own environment,
    // of which .NET's is a copy.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "This is the tests' own process")]
    internal static void Trust()
    {
        var bundle = Path.Combine(Directory.CreateTempSubdirectory("workinit-ca-").FullName, "ca.pem");
        File.WriteAllText(bundle, _authority.ExportCertificatePem());
        if (SetEnvironment("SSL_CERT_FILE", bundle, overwrite: 1) != 0)
            throw new InvalidOperationException("SSL_CERT_FILE can't be set");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Path.GetDirectoryName(bundle)!, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    /// <param name="name">A DNS name or an IP address.</param>
    /// <param name="validUntil">From now.</param>
    public static X509Certificate2 Certify(string name, TimeSpan validUntil)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var certificate = request.Create(_authority, DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow + validUntil, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    private static X509Certificate2 CreateAuthority()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=WorkinIt tests", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-3), DateTimeOffset.UtcNow.AddDays(3));
    }
}
