using WorkinIt.Benchmarks;

return args switch
{
    [] or ["answer"] => await AnswerAndMail.RunAsync(),
    ["replay"] => await Replay.RunAsync(100_000),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        ./bench [answer]   how long the answer takes, and how long the mail, with a fast and a slow mail server
        ./bench replay     looking at and replaying 100,000 dead letters, beside a bare loop
        """);
    return 2;
}
