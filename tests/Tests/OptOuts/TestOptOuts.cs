using Microsoft.Extensions.Options;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Deliveries;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.OptOuts;

/// <summary>Unsubscribe tokens and links with the secret of the tests. No server has to answer the links.</summary>
internal static class TestOptOuts
{
    public static OptOutTokens Tokens { get; } = With(WorkinItSystem.OptOutSecret);

    public static OptOutLinks Links { get; } = new(Tokens, Options.Create(new OptOutLinkOptions { Url = "https://gifs.example.com" }));

    public static OptOutTokens With(string secret) => new(Options.Create(new OptOutOptions { Secret = secret }));
}
