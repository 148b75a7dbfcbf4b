using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.Causes;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>The receivers of notifications.</summary>
internal static class NotificationApi
{
    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Get("/notifications", TokenScope.View, "listReceivers", "Lists the receivers of notifications, and whether they were reached.", ListAsync) with
        {
            Answer = new ApiReceivers([new ApiReceiver("a1b2c3d4", "chat.example.com", ApiExamples.Time, null, null, 0, 0)]),
        },
        ApiRoute.Post("/notifications/test", TokenScope.Operate, "testReceiver", "Sends a test message to a receiver.", TestAsync) with
        {
            Body = [new("receiver", "string", "The receiver's key.") { IsRequired = true }],
            BodyExamples = new Dictionary<string, string> { ["one"] = """{ "receiver": "a1b2c3d4" }""" },
            Status = StatusCodes.Status204NoContent,
        },
    ];

    private static Task<IResult> ListAsync(ApiCall call)
    {
        var services = call.Page.Http.RequestServices;
        if (services.GetService<DeliveryQueue>() is not { } queue)
            return Task.FromResult(LetterApi.NoCatalogue());
        var states = queue.States();
        return Task.FromResult<IResult>(ApiAnswer.Ok(new ApiReceivers(
        [
            .. services.GetRequiredService<NotificationOptions>().Receivers.Select(receiver => (Receiver: receiver, State: states.GetValueOrDefault(receiver.Key)))
                .Select(one => new ApiReceiver(one.Receiver.Key, one.Receiver.Name, one.State?.LastSuccess, one.State?.LastFailure, one.State?.LastError, one.State?.Waiting ?? 0, one.State?.GivenUp ?? 0)),
        ])));
    }

    private static async Task<IResult> TestAsync(ApiCall call) =>
        call.Page.Http.RequestServices.GetService<DeliveryQueue>() is null ? LetterApi.NoCatalogue() : await NotificationPage.TestAsync(call.Page);
}

/// <summary>The receivers of notifications.</summary>
internal sealed record ApiReceivers(IReadOnlyList<ApiReceiver> Receivers);

/// <summary>A receiver of notifications.</summary>
/// <param name="Key">Names it.</param>
/// <param name="Name">Its name.</param>
/// <param name="LastSuccess">When a message last reached it.</param>
/// <param name="LastFailure">When one last did not.</param>
/// <param name="LastError">Why.</param>
/// <param name="Waiting">How many messages wait.</param>
/// <param name="GivenUp">How many were given up after 24 hours.</param>
internal sealed record ApiReceiver(string Key, string Name, DateTimeOffset? LastSuccess, DateTimeOffset? LastFailure, string? LastError, long Waiting, long GivenUp);
