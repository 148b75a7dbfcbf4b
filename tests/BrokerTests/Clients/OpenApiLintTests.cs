using System.Diagnostics;
using WorkinIt.BrokerTests.Adopting;
using WorkinIt.DeadLetters.Dashboard.Api;
using WorkinIt.Dev;
using WorkinIt.Dev.Machine;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The document of the dead-letter API, by Spectral's rules. It is here because only the broker tests need Node.js.</summary>
[Trait("broker", "any")] // no broker
public sealed class OpenApiLintTests
{
    private static readonly string _linter = Path.Combine(Repository.Dev, "openapi");

    [Fact]
    public async Task API_document_passes_the_linter_without_a_warning()
    {
        var found = await LintAsync(OpenApiDocument.Create("/dead-letters/api/v1").ToJsonString());
        found.ShouldSucceed();
        found.Output.ShouldContain("1 documents, 0 problems");
    }

    [Fact]
    public async Task Linter_reports_an_operation_without_a_description_and_an_example_that_does_not_fit()
    {
        var document = OpenApiDocument.Create("/dead-letters/api/v1");
        var causes = document["paths"]!["/causes"]!["get"]!.AsObject();
        causes.Remove("description");
        causes["responses"]!["200"]!["content"]!["application/json"]!["example"]!["letters"] = "many";

        var found = await LintAsync(document.ToJsonString());

        found.Code.ShouldBe(1, found.Output);
        found.Output.ShouldContain("operation-description");
        found.Output.ShouldContain("oas3-valid-media-example");
    }

    private static async Task<ProcessResult> LintAsync(string document)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, document);
            await new NodePackages(_linter).InstallAsync("Spectral");
            return await ProcessResult.OfAsync(new ProcessStartInfo("node", [Path.Combine(_linter, "lint.mjs"), file]));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
