using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Documents;

/// <summary>
/// ./test docs: runs the commands of a document as a reader would, in a fresh copy of the source tree, so that the document stays correct.
/// The first line of a fence says what is done with its content:
/// <list type="bullet">
/// <item><c>sh</c>: typed into one shell, block after block; each command must succeed.</item>
/// <item><c>sh terminal N</c>: typed into terminal N, where it keeps running; the command that ran there before is stopped with Ctrl-C.</item>
/// <item><c>text</c>: the complete output of the sh block before it. After a terminal N: lines that are in its output.</item>
/// <item><c>text terminal N</c>: lines that appear later in the output of terminal N.</item>
/// <item><c>csharp FILE</c>: lines that FILE contains.</item>
/// </list>
/// The documents use the default ports of ./run; each is replaced by a free one.
/// </summary>
internal sealed class DocumentTest : IAsyncDisposable
{
    private static readonly string[] _documents = ["README.md", "docs/lesson.md"];
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(3); // that a block may take

    private readonly TestRun _run;
    private readonly string _document;
    private readonly string _folder;
    private readonly DocumentCopy _copy;
    private readonly Dictionary<int, ReaderTerminal> _terminals = [];
    private ReaderShell? _shell;

    private DocumentTest(TestRun run, string document)
    {
        _run = run;
        _document = document;
        _folder = Path.Combine(run.State, "docs", Path.GetFileNameWithoutExtension(document));
        _copy = new DocumentCopy(Path.Combine(_folder, "copy"));
    }

    /// <summary>Tests all documents.</summary>
    public static async Task RunAllAsync(TestRun run)
    {
        foreach (var document in _documents)
            await RunOneAsync(run, document);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var terminal in _terminals.Values)
        {
            await terminal.EndAsync();
            terminal.Dispose();
        }
        _shell?.Dispose();
        await _copy.EndLeftoversAsync();
    }

    private static async Task RunOneAsync(TestRun run, string document)
    {
        TestRun.Heading(document);
        await using var test = new DocumentTest(run, document);
        await test.RunAsync();
    }

    private async Task RunAsync()
    {
        await _copy.EndLeftoversAsync();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        var fences = Fence.Read(await File.ReadAllLinesAsync(Path.Combine(Repository.Root, _document), _run.Cancellation));
        if (fences.Count == 0)
            throw new ToolException($"{_document} has no fence: nothing to test.");
        await _copy.CreateAsync(_run);
        _shell = new ReaderShell(_copy, _folder);
        for (var i = 0; i < fences.Count; i++)
        {
            var fence = fences[i] with { Text = _copy.WithPorts(fences[i].Text) };
            var follows = i + 1 < fences.Count && fences[i + 1].Kind == "text" ? _copy.WithPorts(fences[i + 1].Text) : null;
            if (fence.IsCommand && follows is not null)
                i++; // compared here
            // Each block depends on those before: the others would only repeat the failure.
            if (fence.Kind != "mermaid" && !await TryAsync($"{_document}:{fence.Line} {fence.FirstLine}", () => CheckAsync(fence, follows)))
                return;
        }
        if (await TryAsync("stops with Ctrl-C", EndAllAsync))
            _copy.Delete();
    }

    private Task<bool> TryAsync(string name, Func<Task<string?>> check) => _run.TryAsync(name, Path.Combine(_folder, "why"), async _ =>
    {
        if (await check() is { } problem)
            throw new ToolException(problem);
    });

    private Task<string?> CheckAsync(Fence fence, string? follows) => fence switch
    {
        { Kind: "sh" } => InShellAsync(fence, follows),
        { IsCommand: true, Terminal: { } number } => InTerminalAsync(number, fence, follows),
        { Terminal: { } number } => _terminals.TryGetValue(number, out var terminal)
            ? terminal.AwaitAsync(fence.Text, _longest, _run.Cancellation)
            : Task.FromResult<string?>($"Nothing is running in terminal {number}."),
        _ when fence.Kind.StartsWith("csharp ", StringComparison.Ordinal) => InFileAsync(fence),
        { Kind: "text" } => Task.FromResult<string?>("This text follows no sh block."),
        _ => Task.FromResult<string?>($"No test for a fence of this kind: {fence.Kind}"),
    };

    private async Task<string?> InShellAsync(Fence fence, string? expected)
    {
        var shown = ShownOf(fence);
        var problem = await _shell!.TypeAsync(fence.Text, shown, _longest, _run.Cancellation);
        var output = File.Exists(shown) ? await File.ReadAllTextAsync(shown, _run.Cancellation) : "";
        problem ??= expected is null ? null : ExpectedOutput.Difference(output, expected, complete: true);
        return problem is null ? null : $"{problem}\nIts output:\n{string.Join('\n', output.Split('\n').TakeLast(40))}";
    }

    private async Task<string?> InTerminalAsync(int number, Fence fence, string? expected)
    {
        if (_terminals.Remove(number, out var before))
        {
            var problem = await before.EndAsync();
            before.Dispose();
            if (problem is not null)
                return problem;
        }
        if (expected is null)
            return "No text block follows that shows when it is ready.";
        var terminal = _terminals[number] = new ReaderTerminal(_copy, fence.Text, ShownOf(fence));
        return await terminal.AwaitAsync(expected, _longest, _run.Cancellation);
    }

    private async Task<string?> InFileAsync(Fence fence)
    {
        var file = Path.Combine(Repository.Root, fence.Kind["csharp ".Length..]);
        return File.Exists(file) ? ExpectedOutput.Difference(await File.ReadAllTextAsync(file, _run.Cancellation), fence.Text, complete: false) : $"{file} not found.";
    }

    private async Task<string?> EndAllAsync()
    {
        var problems = new List<string>();
        foreach (var (number, terminal) in _terminals)
        {
            if (await terminal.EndAsync() is { } problem)
                problems.Add($"Terminal {number}: {problem}");
        }
        return problems.Count > 0 ? string.Join('\n', problems) : null;
    }

    private string ShownOf(Fence fence) => Path.Combine(_folder, $"{fence.Line:0000}.shown");
}
