namespace WorkinIt.BrowserTests;

/// <summary>As <see cref="DeadLetterSite"/>, with a catalogue.</summary>
public sealed class BoardSite : DeadLetterSite
{
    protected override bool HasCatalogue => true;
}
