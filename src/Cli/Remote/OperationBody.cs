using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Remote;

/// <summary>The body of the request for a dry run.</summary>
internal static class OperationBody
{
    private const int DeepestMessage = 600;

    public static Dictionary<string, object?> Of(ReplayRequest request)
    {
        var body = Of(request, request.Edited is not null ? "edit" : request.Patch is not null ? "repair" : "replay");
        if (request.Edited is { } edited)
            (body["message"], body["ids"]) = (Parse(edited), request.Filter.Ids);
        if (request.Patch is { } patch)
            body["patch"] = Parse(patch.ToString());
        Add(body, "pace", request.Pace);
        Add(body, "canary", request.Canary);
        Add(body, "allAtOnce", request.AllAtOnce);
        Add(body, "inOrderBy", request.InOrderBy?.ToString());
        Add(body, "sendAgain", request.SendAgain);
        Add(body, "to", request.To);
        Add(body, "withoutResponse", request.WithoutResponse);
        Add(body, "acceptLoss", request.AcceptLoss);
        return body;
    }

    public static Dictionary<string, object?> Of(DiscardRequest request)
    {
        var body = Of(request, "discard");
        Add(body, "wasSent", request.WasSent);
        Add(body, "acceptLoss", request.AcceptLoss);
        return body;
    }

    public static Dictionary<string, object?> Of(OperationRequest request) => Of(request, "restore");

    private static Dictionary<string, object?> Of(OperationRequest request, string verb)
    {
        var body = new Dictionary<string, object?> { ["verb"] = verb };
        if (verb == "edit")
            return body; // it selects by its id
        if (request.Filter.IsEmpty)
            body["all"] = true;
        else
            body["filter"] = Conditions.Of(request.Filter);
        return body;
    }

    private static void Add(Dictionary<string, object?> body, string name, object? value)
    {
        if (value is not (null or false))
            body[name] = value;
    }

    private static JsonElement Parse(string json) => JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = DeepestMessage });
}
