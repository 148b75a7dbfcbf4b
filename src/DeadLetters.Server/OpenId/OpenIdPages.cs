using Microsoft.AspNetCore.Http;
using WorkinIt.SignIn;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>What users read who lack a group.</summary>
internal static class OpenIdPages
{
    /// <summary>The text for a user who may view and tried to act.</summary>
    public static string MayOnlyView(OpenIdSettings settings) =>
        settings.OperateGroups is [] ? "You can view dead letters but can’t change them. No group may change them: OpenIdConnect__OperateGroups is not set."
        : $"You can view dead letters but can’t change them. That needs {OneOf(settings.OperateGroups)}. Ask for it, then sign out and in again.";

    /// <summary>Writes the page for a user of the issuer in no group that may view.</summary>
    public static Task ShowNoGroupAsync(HttpContext http, OpenIdUser user, OpenIdSettings settings) => PlainPage.WriteAsync(
        http, StatusCodes.Status403Forbidden, "You have no access",
        $"You are signed in as {user.Name}. None of your groups may use this page. {Needed(settings)} Ask for it, then sign in again.",
        html: $"""<p><a href="{OperatorSignIn.Path}">Sign in again</a></p>""");

    private static string Needed(OpenIdSettings settings) => (settings.ViewGroups, settings.OperateGroups) switch
    {
        (var view, []) => $"To view dead letters, you need {OneOf(view)}.",
        ([], var operate) => $"To view and replay dead letters, you need {OneOf(operate)}.",
        var (view, operate) => $"To view dead letters, you need {OneOf(view)}. To also replay, edit and discard them, you need {OneOf(operate)}.",
    };

    private static string OneOf(IReadOnlyList<string> groups) => groups is [var only] ? $"the group “{only}”" : $"one of the groups {string.Join(", ", groups.Select(group => $"“{group}”"))}";
}
