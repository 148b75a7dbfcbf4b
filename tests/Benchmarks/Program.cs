using WorkinIt.Benchmarks;

return args switch
{
    [] or ["answer"] => await AnswerAndMail.RunAsync(),
    ["replay"] => await Replay.RunAsync(100_000, "classic"),
    ["replay", "classic" or "quorum"] => await Replay.RunAsync(100_000, args[1]),
    ["replay", "classic" or "quorum", var count] when int.TryParse(count, out var number) && number > 0 => await Replay.RunAsync(number, args[1]),
    ["pages"] => await OpenPages.RunAsync(1000),
    ["pages", var count] when int.TryParse(count, out var number) && number > 0 => await OpenPages.RunAsync(number),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        ./bench [answer]                      how long the answer takes, and how long the mail, with a fast and a slow mail server
        ./bench replay [classic|quorum [N]]   looking at and replaying 100,000 dead letters, or N, beside a bare loop
        ./bench pages [N]                     the form's answers while 1,000 status pages, or N, are open, beside none
        """);
    return 2;
}
