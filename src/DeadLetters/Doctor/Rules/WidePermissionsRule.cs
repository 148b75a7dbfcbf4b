using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>A user that may do everything in the virtual host, and does not administer the broker.</summary>
internal sealed class WidePermissionsRule : DoctorRule
{
    private const string AnyName = "zq:any-name_of.a-queue"; // a name that no narrow pattern matches

    private static readonly TimeSpan _longest = TimeSpan.FromMilliseconds(100); // the pattern is another person's

    public override string Id => "wide-permissions";

    public override string Title => "A user without the tag administrator that may declare, delete, write and read everything";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from permission in host.Permissions ?? []
        where Matches(permission.Configure) && Matches(permission.Write) && Matches(permission.Read)
        select Of(
            FindingSeverity.Advice,
            $"User {permission.User} may do everything in this virtual host",
            "Anyone who has its password, or runs code in the application, can read, delete and purge every queue, dead letters with personal data included",
            $"Give it the names that it needs. For the user of this console: workinit dead-letters grant {permission.User} --replace");

    public override string? NotChecked(VirtualHostSnapshot host) =>
        host.Permissions is null ? "This user may not read permissions: that needs the tag administrator" : null;

    // An empty pattern is RabbitMQ's form of "nothing".
    private static bool Matches(string pattern)
    {
        try
        {
            return pattern.Length > 0 && Regex.IsMatch(AnyName, pattern, RegexOptions.CultureInvariant, _longest);
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            return false; // written for another engine
        }
    }
}
