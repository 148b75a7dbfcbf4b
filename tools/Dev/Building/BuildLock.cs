using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Building;

/// <summary>Allows one build of this source tree at a time.</summary>
internal static class BuildLock
{
    /// <summary>Waits for the lock. dev/tool takes the same one.</summary>
    public static Task<FileLock> TakeAsync(CancellationToken cancellation) => FileLock.TakeAsync(Path.Combine(Repository.Artifacts, ".lock"), cancellation);
}
