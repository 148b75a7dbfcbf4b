using System.Text.RegularExpressions;
using WorkinIt.Dev;
using WorkinIt.Dev.Documents;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>Follows a document of the repository: runs its commands and takes its programs, with the addresses of the test's broker.</summary>
/// <param name="file">The document, such as <c>src/DeadLetters/README.md</c>.</param>
/// <param name="broker">The address of the broker that replaces the one of the document.</param>
/// <param name="management">The address of its management API, which is not where the document expects it.</param>
internal sealed partial class Reader(string file, string broker, Uri management)
{
    private const string Shop = "amqp://user:password@localhost:5672";
    private const string Billing = Shop + "/billing";

    private readonly IReadOnlyList<Fence> _fences = Fence.Read(File.ReadLines(Path.Combine(Repository.Root, file)));

    /// <summary>The first block of commands.</summary>
    public string Commands => Address().Replace(_fences.First(fence => fence.Kind == "sh").Text, broker);

    /// <summary>The program as the document has it.</summary>
    public string Program => _fences.Single(fence => fence.Kind == "csharp Program.cs").Text;

    /// <summary>Follows the document from its first command to the built program.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="other">The address of the second broker, which the document names <c>amqp://user:password@localhost:5672/billing</c>.</param>
    /// <returns>The built program.</returns>
    public async Task<string> BuildAsync(PackedFolder folder, string other = "")
    {
        (await folder.RunAsync("", "bash", ["-e", "-c", Commands])).ShouldSucceed();
        var project = Path.GetFileNameWithoutExtension(Directory.GetFiles(folder.Path, "*.csproj", SearchOption.AllDirectories).ShouldHaveSingleItem());
        var program = Parsed().Replace(Added().Replace(Program, Options("AddDeadLetters(_ => ")), Options(""));
        folder.Write($"{project}/Program.cs", program.Replace(Billing, other, StringComparison.Ordinal).Replace(Shop, broker, StringComparison.Ordinal));
        (await folder.RunAsync(project, "dotnet", ["build", "-warnaserror"])).ShouldSucceed();
        return Path.Combine(folder.Path, project, "bin", "Debug", "net10.0", $"{project}.dll");
    }

    private string Options(string before) => $"{before}WorkinIt.DeadLetters.DeadLetterOptions.Parse(\"$1\", new Uri(\"{management}\"))";

    [GeneratedRegex("""AddDeadLetters\("([^"]+)"(?=\))""")]
    private static partial Regex Added();

    [GeneratedRegex("""(?<![\w.])DeadLetterOptions\.Parse\("([^"]+)"\)""")]
    private static partial Regex Parsed();

    [GeneratedRegex(@"amqp://user:password@localhost:5672(?!/)")]
    private static partial Regex Address();
}
