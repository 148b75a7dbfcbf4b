using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

internal static class Focus
{
    /// <summary>Asserts that an element has the focus and shows a ring of at least 2 pixels, with a contrast of at least 3:1 to its background.</summary>
    public static async Task ShouldShowFocusAsync(this ILocator target)
    {
        await Visit.LoadedAsync(target.Page); // without the style sheet, the page shows the browser's default ring
        await Assertions.Expect(target).ToBeFocusedAsync();
        var ring = await target.EvaluateAsync<string>($$"""
            element => {
              {{Contrast.Luminance}}
              let around = element.parentElement;
              while (/^rgba\(.*, 0\)$/.test(getComputedStyle(around).backgroundColor) && around.parentElement) around = around.parentElement;
              const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element), behind = getComputedStyle(around).backgroundColor;
              const [dark, light] = [outlineColor, behind].map(luminance).sort((one, other) => one - other);
              return outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2 && (light + 0.05) / (dark + 0.05) >= 3
                ? 'seen' : `${outlineStyle} ${outlineWidth} ${outlineColor} on ${behind}`;
            }
            """);
        ring.ShouldBe("seen");
    }
}
