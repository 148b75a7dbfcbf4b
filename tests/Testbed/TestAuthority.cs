using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Testbed;

/// <summary>A certificate authority for tests. No system trusts it by default.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _authority;

    /// <summary>Creates a new authority.</summary>
    public TestAuthority()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN=WorkinIt tests {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-3), DateTimeOffset.UtcNow.AddDays(3));
    }

    /// <summary>The authority's certificate in PEM; a process that should trust it needs a file with this content in SSL_CERT_FILE.</summary>
    public string Pem => _authority.ExportCertificatePem();

    /// <summary>Issues a server certificate.</summary>
    /// <param name="name">A DNS name or an IP address.</param>
    /// <param name="validUntil">The end of validity, relative to now; null uses one day.</param>
    public X509Certificate2 Certify(string name, TimeSpan? validUntil = null)
    {
        using var key = RSA.Create(2048);
        using var certificate = Request(name, key).Create(
            _authority, DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow + (validUntil ?? TimeSpan.FromDays(1)), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>Creates a self-signed certificate.</summary>
    /// <param name="name">A DNS name or an IP address.</param>
    public static X509Certificate2 SelfSigned(string name)
    {
        using var key = RSA.Create(2048);
        return Request(name, key).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <inheritdoc/>
    public void Dispose() => _authority.Dispose();

    private static CertificateRequest Request(string name, RSA key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        return request;
    }
}
