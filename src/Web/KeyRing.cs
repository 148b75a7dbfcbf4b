using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Options;

namespace WorkinIt.Web;

/// <summary>
/// The keys behind forms and sign-ins. Whoever has a form open posts it to whatever instance comes next, after a restart too: so all
/// instances keep their keys in one place, under one name, wherever they are installed.
/// </summary>
internal static class KeyRing
{
    // A part of what the keys are derived from: another name is another application, which reads nothing of this one.
    private const string ApplicationName = "WorkinIt.Web";

    public static void AddKeyRing(this IServiceCollection services)
    {
        services.AddOptions<KeyRingOptions>().BindConfiguration("DataProtection").ValidateDataAnnotations().ValidateOnStart();
        services.AddDataProtection().SetApplicationName(ApplicationName);
        services.AddOptions<KeyManagementOptions>().Configure<IOptions<KeyRingOptions>, ILoggerFactory>((keys, options, log) =>
        {
            if (options.Value.KeysDirectory is { Length: > 0 } directory)
                keys.XmlRepository = new FileSystemXmlRepository(new DirectoryInfo(directory), log);
        });
        // Of all cookies the one that ASP.NET Core would send over plain HTTP too.
        services.Configure<AntiforgeryOptions>(antiforgery => antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest);
    }
}

/// <summary>The section <c>DataProtection</c>.</summary>
internal sealed class KeyRingOptions : IValidatableObject
{
    /// <summary>Without one, ASP.NET Core's choice: a folder of the user's, or nothing that outlasts the process.</summary>
    public string? KeysDirectory { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (KeysDirectory is { Length: > 0 } directory && WhatIsWrongWith(directory) is { } problem)
            yield return new ValidationResult($"DataProtection__KeysDirectory {problem}");
    }

    // The first key is written when the first form is opened: too late to learn that it can't be.
    private static string? WhatIsWrongWith(string directory)
    {
        if (!Path.IsPathFullyQualified(directory))
            return "must be an absolute path: the folder of the keys that all instances of Web share";
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(directory);
            else
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // whoever has the keys signs in as anybody
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
