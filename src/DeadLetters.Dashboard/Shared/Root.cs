using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>The values in a page's <c>head</c> element.</summary>
/// <param name="Title">The title.</param>
/// <param name="Refreshes">Whether the page reloads to show progress.</param>
/// <param name="Wide">Whether the page is a table that uses the width of the window.</param>
internal sealed record Head(string Title, bool Refreshes, bool Wide);

/// <summary>
/// A page in its layout. Passes the request and the model on as cascading values: these can have internal types, while a component's own
/// parameters would make each model part of the package's public API.
/// </summary>
internal sealed class Root<TPage, TModel> : ComponentBase
    where TPage : IComponent
    where TModel : class
{
    [Parameter]
    public PageContext Context { get; set; } = null!;

    [Parameter]
    public Head Head { get; set; } = null!;

    [Parameter]
    public TModel Model { get; set; } = null!;

    protected override void BuildRenderTree(RenderTreeBuilder builder) =>
        Cascade(Context, Cascade(Head, Cascade(Model, frame =>
        {
            frame.OpenComponent<Layout>(0);
            frame.AddComponentParameter(1, nameof(Layout.ChildContent), (RenderFragment)(page =>
            {
                page.OpenComponent<TPage>(0);
                page.CloseComponent();
            }));
            frame.CloseComponent();
        })))(builder);

    private static RenderFragment Cascade<T>(T value, RenderFragment content) => builder =>
    {
        builder.OpenComponent<CascadingValue<T>>(0);
        builder.AddComponentParameter(1, nameof(CascadingValue<>.Value), value);
        builder.AddComponentParameter(2, nameof(CascadingValue<>.IsFixed), true);
        builder.AddComponentParameter(3, nameof(CascadingValue<>.ChildContent), content);
        builder.CloseComponent();
    };
}
