using System.Text.Json;
using WorkinIt.Gifs;

namespace WorkinIt.Tests.Gifs;

public sealed class BuiltInGifTests
{
    private readonly BuiltInGifs _gifs = new();

    [Theory]
    [InlineData("I love my cat", "cat")]
    [InlineData("COFFEE!", "coffee")]
    [InlineData("rain, rain, rain and one dog", "rain")]
    [InlineData("happy birthday", "cake")]
    [InlineData("a cat and a dog", "dog")]
    [InlineData("a dog and a cat", "cat")]
    [InlineData("two cats, one dog: cats!", "cat")]
    [InlineData("catalogue of pizza-boxes", "pizza")]
    public void Built_in_GIF_is_chosen_by_the_words_of_the_thought(string thought, string name) => _gifs.Choose(thought).Name.ShouldBe(name);

    [Theory]
    [InlineData("xyzzy")]
    [InlineData("😀")]
    [InlineData("שלום")]
    [InlineData("...")]
    public void Any_thought_gets_a_built_in_GIF_and_always_the_same_one(string thought) =>
        _gifs.Choose(thought).Name.ShouldBe(new BuiltInGifs().Choose(thought).Name);

    [Fact]
    public void Thoughts_without_a_known_word_get_different_built_in_GIFs() =>
        Enumerable.Range(0, 200).Select(number => _gifs.Choose($"zzz{number}").Name).Distinct().Count().ShouldBeGreaterThan(8);

    [Theory]
    [InlineData("cat dog", "dog")]
    [InlineData("dog cat", "cat")]
    [InlineData("cat cat dog", "cat")]
    [InlineData("concatenate", null)]
    public void Last_of_equally_ranked_words_decides_and_only_complete_words_match(string thought, string? name)
    {
        if (name is null)
            _gifs.Choose(thought).Name.ShouldNotBe("cat");
        else
            _gifs.Choose(thought).Name.ShouldBe(name);
    }

    [Fact]
    public void Each_word_of_the_collection_selects_its_own_GIF()
    {
        using var list = typeof(BuiltInGifs).Assembly.GetManifestResourceStream("collection.json")!;
        using var entries = JsonDocument.Parse(list);
        foreach (var entry in entries.RootElement.EnumerateArray())
            foreach (var word in entry.GetProperty("words").EnumerateArray())
                _gifs.Choose(word.GetString()!).Name.ShouldBe(entry.GetProperty("name").GetString(), word.GetString());
    }

    [Fact]
    public void Collection_has_at_least_twelve_small_animated_GIFs_with_descriptions()
    {
        _gifs.All.Count.ShouldBeGreaterThanOrEqualTo(12);
        _gifs.All.Select(gif => gif.Name).ShouldBeUnique();
        foreach (var gif in _gifs.All)
        {
            gif.Content[..6].ToArray().ShouldBe("GIF89a"u8.ToArray(), gif.Name);
            Frames(gif.Content.Span).ShouldBeGreaterThan(1, gif.Name);
            gif.Content.Length.ShouldBeLessThan(100_000, gif.Name);
            gif.Alt.Length.ShouldBeInRange(10, 120, gif.Name);
        }
    }

    // Each frame has a graphic control extension: 21 F9 04.
    private static int Frames(ReadOnlySpan<byte> gif) => gif.Count<byte>([0x21, 0xf9, 0x04]);
}
