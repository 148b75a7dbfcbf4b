using WorkinIt.Benchmarks;

return args switch
{
    [] or ["answer"] => await AnswerAndMail.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("./bench [answer]   how long the answer takes, and how long the mail, with a fast and a slow mail server");
    return 2;
}
