using System.CommandLine;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters explain 3f2a…</c></summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var id = new Argument<string>("id") { Description = "Dead letter id or message id" };
        var command = new Command("explain", """
            Explains the headers and properties of one dead letter: who added each, what it says, and what a replay does with it. Without --queue, searches
            all dead-letter queues. Values are shown by show.

            Example:
              workinit dead-letters explain 9f86d081884c7d65
            """)
        { id, common.Queue, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var letters = await ShowCommand.FindAsync(context, parsed.GetValue(common.Queue), parsed.GetValue(id)!, parsed.GetValue(common.Yes), reveal: false, cancellationToken);
            if (letters.Count > 0)
                CommandContext.Print(context.Json ? Json(letters) : string.Join("\n\n", letters.Select(letter => $"{Fact(letter, "Id")} in {Fact(letter, "Queue")}\n\n{Text(letter.Parts)}")));
            return letters.Count == 0 ? ExitCode.Incomplete : ExitCode.Done;
        }));
        return command;
    }

    private static string Text(IReadOnlyList<LetterPart> parts) => parts.Count == 0
        ? "It has no headers and no properties."
        : string.Join("\n\n", parts.GroupBy(part => part.Origin).OrderBy(group => group.Key).Select(group =>
            $"From {LetterPart.Word(group.Key)}\n{string.Join('\n', group.Select(Line))}"));

    private static string Line(LetterPart part) => $"  {OneLine(part.Name)} ({part.EffectText}){(part.Meaning is { } meaning ? $": {meaning}" : "")}";

    private static string OneLine(string name) => string.Concat(name.Select(character => char.IsControl(character) ? '\uFFFD' : character));

    private static string? Fact(ShownLetter letter, string name) => letter.Facts.FirstOrDefault(fact => fact.Name == name).Value;

    // Values are left out: they can be personal, and the same explanation holds for all of them.
    private static string Json(IReadOnlyList<ShownLetter> letters) => CommandContext.ToJson(letters.Select(letter => new
    {
        Id = Fact(letter, "Id"),
        Parts = letter.Parts.Select(part => new { part.Name, From = part.Origin, OnReplay = part.Effect, part.BecomesHeader, part.Meaning }),
    }));
}
