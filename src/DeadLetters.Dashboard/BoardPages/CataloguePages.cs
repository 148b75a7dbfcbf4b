using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>What the pages of the catalogue share.</summary>
internal static class CataloguePages
{
    /// <summary>Shows a page of the catalogue. If the catalogue can't be read, remembers why for the page that is shown instead.</summary>
    /// <returns>The page; null if the catalogue can't be read.</returns>
    public static async Task<IResult?> TryAsync(PageContext page, Func<Task<IResult>> show)
    {
        try
        {
            return await show();
        }
        catch (CatalogueException e)
        {
            page.CatalogueProblem = e.Message;
            return null;
        }
    }
}
