using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Options;

namespace WorkinIt.SignIn;

/// <summary>
/// The keys that protect forms and sign-ins. A form may be posted to another instance than the one that served it, or after a restart.
/// So all instances share one key folder and one application name, whatever folder they are installed in.
/// </summary>
internal static class KeyRing
{
    /// <summary>Adds the keys.</summary>
    /// <param name="services">The services.</param>
    /// <param name="applicationName">Keys are derived from this name too: an application with another name can't read what this one protected.</param>
    public static void AddKeyRing(this IServiceCollection services, string applicationName)
    {
        services.AddOptions<KeyRingOptions>().BindConfiguration("DataProtection").ValidateDataAnnotations().ValidateOnStart();
        services.AddDataProtection().SetApplicationName(applicationName);
        services.AddOptions<KeyManagementOptions>().Configure<IOptions<KeyRingOptions>, ILoggerFactory>((keys, options, log) =>
        {
            if (options.Value.KeysDirectory is { Length: > 0 } directory)
                keys.XmlRepository = new FileSystemXmlRepository(new DirectoryInfo(directory), log);
        });
        // The only cookie that ASP.NET Core would by default also send over plain HTTP.
        services.Configure<AntiforgeryOptions>(antiforgery => antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest);
    }
}

/// <summary>The section <c>DataProtection</c>.</summary>
internal sealed class KeyRingOptions : IValidatableObject
{
    /// <summary>The folder of the keys. If null, ASP.NET Core chooses: a folder in the user's home, or memory, which a restart loses.</summary>
    public string? KeysDirectory { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (KeysDirectory is { Length: > 0 } directory && FindProblem(directory) is { } problem)
            yield return new ValidationResult($"DataProtection__KeysDirectory {problem}");
    }

    // The first key is written when the first form is opened. Without this check a bad folder would be noticed only then.
    private static string? FindProblem(string directory)
    {
        if (!Path.IsPathFullyQualified(directory))
            return "must be an absolute path: the key folder that all instances share";
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(directory);
            else
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // with the keys, an attacker can sign in as any user
            var probe = Path.Combine(directory, $".{Guid.NewGuid():N}");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"can't be written to: {e.Message}";
        }
    }
}
