using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>The form of a request.</summary>
internal static class PageForm
{
    private const long LargestBody = 64 * 1024 * 1024; // an edited message, percent-encoded

    /// <summary>Reads the form of a POST, and checks its token.</summary>
    /// <returns>Why the request is refused; null if it is not.</returns>
    public static async Task<IResult?> ReadAsync(PageContext page)
    {
        if (!page.IsPost)
            return null;
        if (page.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = LargestBody;
        if (page.Http.Features.Get<IFormFeature>()?.Form is null)
        {
            page.Http.Features.Set<IFormFeature>(new FormFeature(page.Http.Request, new FormOptions
            {
                ValueLengthLimit = (int)LargestBody,
                BufferBodyLengthLimit = LargestBody,
                ValueCountLimit = 10_000,
            }));
        }
        try
        {
            await SignedIn.ValidateAsync(page.Http, page.Service<IAntiforgery>());
            page.Form = page.Http.Request.HasFormContentType ? await page.Http.Request.ReadFormAsync(page.Aborted) : FormCollection.Empty;
            return null;
        }
        catch (AntiforgeryValidationException e) when (e.InnerException is not BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
        {
            return page.Problem(StatusCodes.Status400BadRequest, "Nothing was done", "This form has expired, or it was not sent from this site.",
                "Go back, reload the page and submit the form again.");
        }
        catch (Exception e) when (e is BadHttpRequestException or InvalidDataException or AntiforgeryValidationException)
        {
            return page.Problem(StatusCodes.Status413PayloadTooLarge, "Form too large", "The form is larger than this page accepts.",
                "Select fewer dead letters, or use a filter.");
        }
    }
}
