namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>Checks what an operator typed.</summary>
internal static class TriageInput
{
    /// <exception cref="FormatException">A value is too long or not valid; the message names the field.</exception>
    public static TriageChange Describe(string? owner, string? note, string? link)
    {
        link = Limited("Link", link, TriageLimits.Link);
        // Without this check, a javascript: address would run in the session of the operator who opens it.
        if (link.Length > 0 && !(Uri.TryCreate(link, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps)))
            throw new FormatException("Link: enter an address that begins with http:// or https://, or leave it empty.");
        return new TriageChange.Describe(Limited("Owner", owner, TriageLimits.Owner), Limited("Note", note, TriageLimits.Note), link);
    }

    /// <inheritdoc cref="Describe"/>
    public static TriageChange MuteUntilVersion(string? version)
    {
        version = Limited("Version", version, TriageLimits.Version);
        // The audit log records the version, so it must not be a free text.
        return version.Length > 0 && version.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+' or '_')
            ? new TriageChange.MuteUntilVersion(version)
            : throw new FormatException("Version: enter a version such as 2.4.1: letters, digits, and the characters . - + _");
    }

    private static string Limited(string field, string? text, int most) =>
        (text ?? "").Trim() is var trimmed && trimmed.Length <= most ? trimmed : throw new FormatException($"{field}: the text has more than {most} characters.");
}
