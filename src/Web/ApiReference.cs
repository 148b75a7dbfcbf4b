using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web;

/// <summary>The API as an OpenAPI document, and a page to read it and try it. The page sends requests to this host only.</summary>
internal static class ApiReference
{
    private const string Document = "v1";
    private const string Path = "/api-reference";

    // The colours of workinit.css, each with enough contrast for text.
    private const string Style = """
        .light-mode {
          --scalar-background-1: #fff; --scalar-background-2: #f6f1ea; --scalar-background-3: #e4dacd; --scalar-border-color: #e4dacd;
          --scalar-color-1: #2b2622; --scalar-color-2: #5d544b; --scalar-color-3: #5d544b; --scalar-color-accent: #a83d1a; --scalar-link-color: #a83d1a;
          --scalar-color-green: #226b2d; --scalar-color-red: #a3161d; --scalar-color-yellow: #74540a; --scalar-color-blue: #1c5a96; --scalar-color-orange: #a83d1a; --scalar-color-purple: #6b3fa0;
          --scalar-button-1: #a83d1a; --scalar-button-1-color: #fff; --scalar-button-1-hover: #8f3315;
        }
        .dark-mode {
          --scalar-background-1: #1d1a17; --scalar-background-2: #2a2622; --scalar-background-3: #443d36; --scalar-border-color: #443d36;
          --scalar-color-1: #f4ede4; --scalar-color-2: #c9bfb4; --scalar-color-3: #c9bfb4; --scalar-color-accent: #ffb089; --scalar-link-color: #ffb089;
          --scalar-color-green: #86cf8f; --scalar-color-red: #ff9c94; --scalar-color-yellow: #e6c06a; --scalar-color-blue: #8fc1f0; --scalar-color-orange: #ffb089; --scalar-color-purple: #cbb0f0;
          --scalar-button-1: #ffb089; --scalar-button-1-color: #2a140a; --scalar-button-1-hover: #ffc3a5;
        }
        """;

    public static void AddApiReference(this IServiceCollection services)
    {
        // The web defaults would describe a number as a number or a string. The schema should say number only.
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi(Document, openApi => openApi
            .AddDocumentTransformer((document, _, _) => Describe(document))
            .AddSchemaTransformer(SubmissionsApiDescription.SchemaAsync));
    }

    public static void MapApiReference(this IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi();
        routes.MapScalarApiReference(Path, (page, http) =>
        {
            var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
            http.Response.Headers.ContentSecurityPolicy = Policy(nonce);
            page.WithTitle("WorkinIt API")
                .WithNonce(nonce)
                .WithFavicon("/icon.svg")
                .AddHeadContent($"""<script nonce="{nonce}">document.documentElement.lang = "en"</script>""") // the page's own markup omits it
                .WithTheme(ScalarTheme.None)
                .WithCustomCss(Style)
                .AddDocument(Document)
                .DisableDefaultFonts()
                .DisableTelemetry()
                .DisableAgent()
                .DisableMcp()
                .HideDeveloperTools()
                .HideClientButton();
        });
    }

    // Scalar's code may do more than is switched off above. This policy makes the browser limit it to this host.
    // Scalar creates styles at run time without a nonce, so style-src needs 'unsafe-inline'.
    private static string Policy(string nonce) =>
        $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
        "font-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

    private static Task Describe(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "WorkinIt API",
            Version = Document,
            Description = """
                Submit an e-mail address and a thought. A worker finds a GIF about the thought and mails it once.

                Errors are problem details (RFC 9457, `application/problem+json`). If a retry helps, the response has a `Retry-After` header.
                """,
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };
        document.Servers = [new OpenApiServer { Url = "/" }]; // relative to the document: behind a proxy this host does not know its public name
        document.Tags = new HashSet<OpenApiTag> { new() { Name = SubmissionsApiDescription.Tag, Description = "Submit a thought, and follow it until its mail is sent." } };
        document.Components?.Schemas?.Remove($"{nameof(SseItem<>)}Of{nameof(SubmissionView)}"); // a server-side type; a client sees text
        return Task.CompletedTask;
    }
}
