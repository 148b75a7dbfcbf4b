using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Messaging;

/// <summary>
/// Checks the broker's certificate against the machine's certificate store, without exceptions. Its errors say what to do; the client's own error
/// is only "invalid according to the validation procedure".
/// </summary>
internal static class ServerCertificate
{
    /// <summary>A <see cref="RemoteCertificateValidationCallback"/>.</summary>
    /// <exception cref="ServerCertificateException">The certificate is not valid.</exception>
    public static bool Check(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        errors == SslPolicyErrors.None
            ? true
            : throw new ServerCertificateException(Problem((sender as SslStream)?.TargetHostName, certificate as X509Certificate2, chain, errors));

    /// <summary>Returns what is wrong with the certificate, if that is why the connection failed; otherwise null.</summary>
    /// <param name="failure">The client's exception.</param>
    public static string? ProblemIn(Exception? failure) => failure switch
    {
        null => null,
        ServerCertificateException e => e.Message,
        AggregateException e => e.InnerExceptions.Select(ProblemIn).FirstOrDefault(problem => problem is not null),
        _ => ProblemIn(failure.InnerException),
    };

    private static string Problem(string? host, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
            return $"{host} presents no certificate";
        var status = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status) ?? X509ChainStatusFlags.NoError;
        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid))
            return $"The certificate of {host} is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}, or that of its authority is out of date: renew it, or set this machine's clock";
        if ((status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
            return $"The certificate of {host} is issued by {certificate.Issuer}, which this machine does not trust: put that authority's certificate into the machine's store, or into a file that SSL_CERT_FILE names";
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            ? $"The certificate that {host} presents is for {Names(certificate)}: connect with one of its names"
            : $"The certificate of {host} is not valid ({status})";
    }

    private static string Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(names => names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(address => address.ToString()))).ToList();
        return names.Count == 0 ? certificate.Subject : string.Join(", ", names);
    }
}

/// <summary>The server's certificate is not valid.</summary>
/// <param name="message">Why, and what to do.</param>
internal sealed class ServerCertificateException(string message) : AuthenticationException(message);
