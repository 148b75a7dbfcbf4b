using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Granting;

/// <summary><c>workinit dead-letters grant dead-letters --vhost shop</c></summary>
internal static class GrantCommand
{
    private const int PasswordBytes = 24;
    private const int LongestName = 255; // RabbitMQ's limit, in bytes

    public static Command Create()
    {
        var common = new CommonOptions();
        var user = new Argument<string>("user") { Description = "The RabbitMQ user of the console; it is created if it does not exist", HelpName = "USER" };
        var vhost = new Option<string?>("--vhost") { Description = "The virtual host (default: that of the connection)", HelpName = "NAME" };
        var view = new Option<bool>("--view") { Description = "Only the rights to view: no replay, edit, discard or restore" };
        var queues = new Option<string>("--queues") { Description = "The application's input queues: patterns separated by commas, * for any text without a colon", DefaultValueFactory = _ => QueuePattern.All, HelpName = "PATTERNS" };
        var replace = new Option<bool>("--replace") { Description = "Remove all other rights of the user in this virtual host, and its other tags" };
        var passwordStdin = new Option<bool>("--password-stdin") { Description = "Read the password of a new user from standard input (default: generate one, and print it once)" };
        var command = new Command("grant", """
            Creates a RabbitMQ user for the console with the least rights, or gives an existing one what it lacks. Prints what it would do, and asks.
            The connection's user must be an administrator. An existing user keeps its password and its other rights. Run it again for each virtual host.

            Examples:
              workinit dead-letters grant dead-letters --dry-run
              workinit dead-letters grant dead-letters --vhost shop --queues 'orders*,billing' --yes
              workinit dead-letters grant dead-letters --password-stdin --yes < password.txt
              workinit dead-letters grant support --view
            """)
        { user, vhost, view, queues, replace, passwordStdin, common.DryRun, common.Yes, common.Json };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var request = new GrantRequest(Name(parsed.GetValue(user)!), Patterns(parsed.GetValue(queues)!), !parsed.GetValue(view), parsed.GetValue(replace));
            var options = parsed.GetValue(vhost) is { Length: > 0 } named ? context.Options with { VirtualHost = named } : context.Options;
            if (request.Replaces && request.User == options.Username)
                throw new WrongUsageException($"--replace would take away the rights of {request.User}, as which this command is connected: connect as another administrator");
            using var users = new BrokerUsers(options);
            var plan = await GrantPlan.MakeAsync(users, options, request, cancellationToken);
            if (plan.Now is not null && parsed.GetValue(passwordStdin))
                throw new WrongUsageException($"The RabbitMQ user {plan.User} exists, and keeps its password: leave out --password-stdin");
            return await RunAsync(context, users, plan, parsed.GetValue(passwordStdin), parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken);
        }, needsBroker: true));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, BrokerUsers users, GrantPlan plan, bool readsPassword, bool dryRun, bool yes, CancellationToken cancellationToken)
    {
        if (!context.Json)
            GrantTables.Write(context.Out, plan);
        if (dryRun || plan.IsDone)
        {
            if (context.Json)
                GrantTables.WriteJson(plan, isDone: plan.IsDone, password: null);
            return ExitCode.Done;
        }
        if (context.Json && !yes)
            throw new WrongUsageException("--json asks nothing: pass --yes, or --dry-run to see what would be done");
        var password = plan.Now is not null ? "" : readsPassword ? await ReadPasswordAsync(cancellationToken) : GeneratePassword();
        if (!context.Confirm(plan.Now is null ? $"Create the RabbitMQ user {plan.User} with these rights in {plan.VirtualHost}?" : $"Change the rights of the RabbitMQ user {plan.User} in {plan.VirtualHost}?", yes))
            return ExitCode.Incomplete;
        await plan.ApplyAsync(users, password, cancellationToken);
        var generated = plan.Now is null && !readsPassword ? password : null;
        if (context.Json)
            GrantTables.WriteJson(plan, isDone: true, generated);
        else
            WriteDone(plan, generated);
        return ExitCode.Done;
    }

    private static void WriteDone(GrantPlan plan, string? generated)
    {
        CommandContext.Print(plan.Now is null ? $"Created the RabbitMQ user {plan.User}." : $"Changed the rights of the RabbitMQ user {plan.User}.");
        if (generated is not null)
            CommandContext.Print($"Its password, which is not shown again: {generated}");
    }

    // Base64 for addresses: it can be part of a connection string as it is.
    private static string GeneratePassword() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(PasswordBytes)).Replace('+', '-').Replace('/', '_');

    private static async Task<string> ReadPasswordAsync(CancellationToken cancellationToken) =>
        await CommandHost.Current.In.ReadLineAsync(cancellationToken) is { Length: > 0 } password ? password
        : throw new WrongUsageException("--password-stdin: the first line of standard input is empty");

    private static string Name(string user) => user.Length > 0 && Encoding.UTF8.GetByteCount(user) <= LongestName && !user.Any(char.IsControl) ? user
        : throw new WrongUsageException($"USER must be the name of a RabbitMQ user: 1 to {LongestName} bytes without control characters");

    private static string[] Patterns(string text)
    {
        var patterns = text.Split(',', StringSplitOptions.TrimEntries);
        return patterns.Any(pattern => pattern.Length == 0) ? throw new WrongUsageException("--queues: a pattern is empty. Use patterns separated by commas, such as orders*,billing") : patterns;
    }
}
