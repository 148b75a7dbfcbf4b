using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Granting;

/// <summary>Shows what <c>grant</c> would do.</summary>
internal static class GrantTables
{
    /// <summary>Writes the needed rights with their reasons, and the difference to the rights of an existing user.</summary>
    public static void Write(IAnsiConsole console, GrantPlan plan)
    {
        console.WriteLine(Terminal.Clean($"The console needs these rights in the virtual host {plan.VirtualHost}:"));
        var needed = new Table().Border(TableBorder.Simple).AddColumn("Right").AddColumn("On").AddColumn("Why");
        needed.AddRow("tag", Terminal.Cell(plan.Tag.Name), Terminal.Cell(plan.Tag.Why));
        foreach (var right in plan.Needed)
            needed.AddRow(UserRights.Word(right.Permission), Terminal.Cell(right.Pattern), Terminal.Cell(right.Why));
        console.Write(needed);
        if (plan.Now is null)
            console.WriteLine(Terminal.Clean($"RabbitMQ user {plan.User} does not exist. It would be created with exactly these rights."));
        else if (plan.IsDone)
            console.WriteLine(Terminal.Clean($"Nothing to do: the RabbitMQ user {plan.User} has these rights."));
        else
            WriteDifference(console, plan, plan.Now);
        foreach (var right in plan.Beyond)
            console.WriteLine(Terminal.Clean($"{plan.User} also has, and the console does not need: {right} (--replace removes it)"));
        foreach (var queue in plan.NotCovered)
            console.WriteLine(Terminal.Clean($"Not covered by --queues, so the console could not read it: {queue}"));
    }

    public static void WriteJson(GrantPlan plan, bool isDone, string? password) => CommandContext.WriteJson(new
    {
        plan.User,
        plan.VirtualHost,
        exists = plan.Now is not null,
        done = isDone,
        now = plan.Now,
        plan.After,
        needed = plan.Needed.Select(right => new { right = right.Permission, right.Pattern, right.Why }).ToList(),
        tag = new { plan.Tag.Name, plan.Tag.Why },
        beyond = plan.Beyond,
        plan.NotCovered,
        password,
    });

    private static void WriteDifference(IAnsiConsole console, GrantPlan plan, UserRights now)
    {
        console.WriteLine(Terminal.Clean($"The RabbitMQ user {plan.User} exists, and would be changed:"));
        var table = new Table().Border(TableBorder.Simple).AddColumn("Right").AddColumn("Now").AddColumn("Then");
        if (!now.Tags.ToHashSet().SetEquals(plan.After.Tags))
            table.AddRow("tags", Terminal.Cell(Shown(string.Join(',', now.Tags))), Terminal.Cell(string.Join(',', plan.After.Tags)));
        foreach (var permission in Enum.GetValues<BrokerPermission>().Where(permission => now.Of(permission) != plan.After.Of(permission)))
            table.AddRow(UserRights.Word(permission), Terminal.Cell(Shown(now.Of(permission))), Terminal.Cell(plan.After.Of(permission)));
        console.Write(table);
    }

    private static string Shown(string text) => text.Length == 0 ? "–" : text;
}
