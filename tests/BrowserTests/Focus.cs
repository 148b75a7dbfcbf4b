using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

internal static class Focus
{
    /// <summary>It has the focus and shows it: a ring of 2 pixels at least, of a colour that stands out (3:1) from what is around it.</summary>
    public static async Task ShouldShowFocusAsync(this ILocator target)
    {
        await target.Page.WaitForLoadStateAsync(); // without its style sheet a page has the browser's own ring
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
