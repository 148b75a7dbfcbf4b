using Microsoft.Playwright;

namespace WorkinIt.BrowserTests;

internal static class Contrast
{
    /// <summary>A JavaScript function that calculates the luminance of a colour from getComputedStyle.</summary>
    public const string Luminance = """
        const luminance = colour => {
          const [red, green, blue] = colour.match(/[\d.]+/g).map(Number).map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        """;

    /// <summary>Returns the contrast ratio of an element's text and its background, by WCAG's formula: 1 to 21.</summary>
    public static Task<double> ContrastAsync(this ILocator target) => target.EvaluateAsync<double>($$"""
        element => {
          {{Luminance}}
          let around = element;
          while (/^rgba\(.*, 0\)$/.test(getComputedStyle(around).backgroundColor) && around.parentElement) around = around.parentElement;
          const [dark, light] = [getComputedStyle(element).color, getComputedStyle(around).backgroundColor].map(luminance).sort((one, other) => one - other);
          return (light + 0.05) / (dark + 0.05);
        }
        """);
}
