using System.Security.Cryptography;
using System.Text;
using WorkinIt.Dev.Building;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Benchmarks;

/// <summary>The services of another revision of this repository, published with the options of this one.</summary>
/// <param name="name">The name of the revision, as it was typed.</param>
/// <param name="commit">The full hash of its commit.</param>
internal sealed class OtherRevision(string name, string commit)
{
    private const int MostTries = 50;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);
    private static readonly string[] _projects = ["Web", "Consumers", "Cli"];

    /// <summary>The name of the revision, with its commit.</summary>
    public string Title => commit.StartsWith(name, StringComparison.Ordinal) ? commit[..10] : $"{name} ({commit[..10]})";

    /// <summary>Finds a revision.</summary>
    /// <exception cref="ToolException">There is no such commit.</exception>
    public static async Task<OtherRevision> FindAsync(string name, CancellationToken cancellation)
    {
        if (!(await GitAsync(cancellation, "rev-parse", "--git-dir")).Succeeded)
            throw new ToolException("--beside needs a clone with Git history: it builds the revision from it.", 2);
        var found = await GitAsync(cancellation, "rev-parse", "--verify", "--quiet", "--end-of-options", $"{name}^{{commit}}");
        return found.Succeeded ? new OtherRevision(name, found.Output.Trim())
            : throw new ToolException($"\"{name}\" is not a commit, a branch or a tag of this repository. See: git log --oneline", 2);
    }

    /// <summary>Describes what is measured against it: the commit of this tree, and whether it has changes.</summary>
    public static async Task<string> ThisAsync(CancellationToken cancellation)
    {
        var head = (await GitAsync(cancellation, "rev-parse", "--short=10", "HEAD")).Output.Trim();
        var changes = (await GitAsync(cancellation, "status", "--porcelain", "--untracked-files=normal")).Output;
        return changes.Length == 0 ? head : $"{head} with uncommitted changes";
    }

    /// <summary>Publishes its services, from a worktree that exists only meanwhile. Does nothing if a run before has published the same with the same options.</summary>
    /// <param name="state">The folder for the result and for the worktree. Results of other revisions are removed from it.</param>
    /// <param name="cancellation">Cancels the build. The worktree is removed even then.</param>
    /// <returns>The folder with the published services.</returns>
    public async Task<string> PublishAsync(string state, CancellationToken cancellation)
    {
        string[] options = [.. DotnetSdk.BuildFlags, .. Publisher.Beforehand, "-p:RunAnalyzers=false"];
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [commit, DotnetSdk.Installed(), .. options]))))[..16];
        var (result, tree, log) = (Path.Combine(state, key), Path.Combine(state, "tree"), Path.Combine(state, "build.log"));
        if (Directory.Exists(result))
            return result;
        Output.Say($"Building {Title} …");
        await RemoveAsync(tree); // left by a run that was killed
        if (Directory.Exists(state))
            Directory.Delete(state, recursive: true);
        Directory.CreateDirectory(state);
        try
        {
            var added = await GitAsync(cancellation, "worktree", "add", "--detach", "--quiet", tree, commit);
            if (!added.Succeeded)
                throw new ToolException($"Git could not create a worktree of {Title}: {added.Errors.Trim()}");
            var unfinished = $"{result}.unfinished";
            foreach (var project in _projects)
                await PublishAsync(tree, project, Path.Combine(unfinished, project), log, options, cancellation);
            Directory.Move(unfinished, result);
            return result;
        }
        finally
        {
            await RemoveAsync(tree);
        }
    }

    private async Task PublishAsync(string tree, string project, string folder, string log, string[] options, CancellationToken cancellation)
    {
        var publish = new Command("dotnet", ["publish", $"src/{project}", .. options, "-o", folder]) { Folder = tree, Log = log };
        if (await publish.RunAsync(cancellation) == 0)
            return;
        BuildOutput.WarnErrors(log);
        throw new ToolException($"{Title} could not be built: {project} failed. Full output: {log}");
    }

    // Without cancellation: a worktree that is left would appear in each `git worktree list`.
    private static async Task RemoveAsync(string tree)
    {
        var isRemoved = (await GitAsync(CancellationToken.None, "worktree", "remove", "--force", "--force", tree)).Succeeded;
        var isLeft = Directory.Exists(tree);
        for (var tried = 0; Directory.Exists(tree); tried++) // Git does not know it any more, or a build that was just ended still wrote to it
        {
            try
            {
                Directory.Delete(tree, recursive: true);
            }
            catch (IOException) when (tried < MostTries)
            {
                await Task.Delay(_pause, CancellationToken.None);
            }
        }
        if (!isRemoved && isLeft) // otherwise Git has forgotten it, and records of other worktrees are none of our business
            await GitAsync(CancellationToken.None, "worktree", "prune");
    }

    private static Task<CommandOutput> GitAsync(CancellationToken cancellation, params string[] arguments) =>
        new Command("git", arguments) { Folder = Repository.Root }.CaptureAsync(cancellation: cancellation);
}
