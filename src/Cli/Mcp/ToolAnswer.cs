using ModelContextProtocol.Protocol;
using WorkinIt.Cli.Remote;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Mcp;

/// <summary>The answers of the tools.</summary>
internal static class ToolAnswer
{
    /// <summary>Answers with a text, or with what went wrong and what to do about it.</summary>
    public static async Task<CallToolResult> OfAsync(Func<Task<string>> act)
    {
        try
        {
            return Of(await act(), isError: false);
        }
        catch (NothingThereException e)
        {
            return Of($"Nothing to do: {e.Message}.", isError: false);
        }
        catch (Exception e) when (e is WrongUsageException or NotFoundException or ServerException or DeadLetterException or FormatException or IOException or UnauthorizedAccessException)
        {
            return Of(e.Message, isError: true);
        }
    }

    private static CallToolResult Of(string text, bool isError) => new() { IsError = isError, Content = [new TextContentBlock { Text = text }] };
}
