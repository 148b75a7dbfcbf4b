namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>The binding keys of topic exchanges: words separated by dots, <c>*</c> for one word, <c>#</c> for any number of words.</summary>
internal static class TopicPattern
{
    /// <summary>Whether a topic exchange routes a key by a binding key.</summary>
    /// <param name="pattern">The binding key.</param>
    /// <param name="key">The routing key.</param>
    public static bool Matches(string pattern, string key) => Matches(Words(pattern), Words(key));

    // RabbitMQ splits an empty key into no words.
    private static string[] Words(string key) => key.Length == 0 ? [] : key.Split('.');

    private static bool Matches(string[] pattern, string[] key)
    {
        var matches = new bool[key.Length + 1]; // of the words so far: whether the pattern so far matches that many words
        matches[0] = true;
        foreach (var word in pattern)
        {
            var next = new bool[key.Length + 1];
            for (var i = 0; i <= key.Length; i++)
            {
                next[i] = word == "#" ? matches[i] || (i > 0 && next[i - 1])
                    : i > 0 && matches[i - 1] && (word == "*" || word == key[i - 1]);
            }
            matches = next;
        }
        return matches[key.Length];
    }
}
