using System.Diagnostics;
using System.Globalization;
using WorkinIt.Dev;

namespace WorkinIt.BrowserTests;

/// <summary>The animation of the README: a sequence of screenshots as an animated GIF.</summary>
public sealed class Film(string name) : IDisposable
{
    private const int Width = 720; // pixels; the README shows it a little smaller

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("workinit-film-");
    private readonly List<byte[]> _frames = [];

    /// <summary>Adds a screenshot as a frame.</summary>
    /// <param name="visit">The page.</param>
    /// <param name="time">How long the frame is shown.</param>
    public async Task ShootAsync(Visit visit, TimeSpan time)
    {
        ArgumentNullException.ThrowIfNull(visit);
        var file = Path.Combine(_folder.FullName, string.Create(CultureInfo.InvariantCulture, $"{_frames.Count:00}-{time.TotalMilliseconds / 10:0}.png"));
        await visit.LoadedAsync();
        await visit.Page.ScreenshotAsync(new Microsoft.Playwright.PageScreenshotOptions { Path = file });
        _frames.Add(await File.ReadAllBytesAsync(file));
    }

    /// <summary>Asserts that all frames are different, and writes the GIF if WORKINIT_WRITE_PICTURES is 1.</summary>
    public async Task DevelopAsync()
    {
        _frames.Select(Convert.ToHexString).Distinct().Count().ShouldBe(_frames.Count);
        if (!Visit.WritesPictures)
            return;
        var arguments = new List<string> { "-loop", "0" };
        foreach (var file in _folder.GetFiles("*.png").OrderBy(file => file.Name, StringComparer.Ordinal))
            arguments.AddRange(["-delay", Path.GetFileNameWithoutExtension(file.Name).Split('-')[1], file.FullName]);
        arguments.AddRange(["-resize", $"{Width}x", "-dither", "none", "-colors", "64", "-layers", "Optimize", Path.Combine(Repository.Root, "docs", "pictures", $"{name}.gif")]);
        // ImageMagick, as in dev/make-gifs; needed only to write new pictures.
        using var convert = Process.Start(new ProcessStartInfo("convert", arguments)) ?? throw new InvalidOperationException("Install ImageMagick: apt-get install imagemagick");
        await convert.WaitForExitAsync();
        convert.ExitCode.ShouldBe(0);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
