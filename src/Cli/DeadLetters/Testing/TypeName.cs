using System.Text;

namespace WorkinIt.Cli.DeadLetters.Testing;

/// <summary>
/// The C# name of a type that MassTransit names in a header, as <c>Shop.Orders+Place&lt;Item,Other.Item&gt;</c>, or in a message URN, as
/// <c>Shop:Orders+Place[[Shop:Item],[Other:Item]]</c>. In a header, an argument without a namespace has that of the type before it. Source: MassTransit's
/// TypeNameFormatter and MessageUrn, 8.5.
/// </summary>
internal sealed class TypeName
{
    private readonly string _text;
    private readonly bool _isUrn;
    private int _at;

    private TypeName(string text, bool isUrn) => (_text, _isUrn) = (text, isUrn);

    /// <summary>The name in C#, with <c>global::</c>; null if the text is not the name of a type that C# can name.</summary>
    /// <param name="name">The name in a header, or a URN without <c>urn:message:</c>.</param>
    public static string? InCSharp(string name)
    {
        var parser = new TypeName(name, isUrn: name.Contains(':', StringComparison.Ordinal) || name.Contains("[[", StringComparison.Ordinal));
        var parsed = parser.Type(scope: null);
        return parser._at == name.Length ? parsed : null;
    }

    /// <summary>The type's own name, without namespace, outer types and arguments.</summary>
    /// <param name="inCSharp">The name in C#.</param>
    public static string Simple(string inCSharp)
    {
        var end = inCSharp.IndexOf('<', StringComparison.Ordinal) is >= 0 and var open ? open : inCSharp.Length;
        return inCSharp[(inCSharp.LastIndexOfAny(['.', ':'], end - 1) + 1)..end].TrimStart('@');
    }

    private string? Type(string? scope)
    {
        var from = _at;
        while (_at < _text.Length && _text[_at] is not ('<' or '>' or ',' or '[' or ']'))
            _at++;
        var path = _text[from.._at];
        var split = _isUrn ? path.IndexOf(':', StringComparison.Ordinal) : path.LastIndexOf('.');
        var space = split > 0 ? path[..split] : _isUrn ? null : scope;
        var parts = new List<string>(space?.Split('.') ?? []);
        parts.AddRange(path[(split + 1)..].Split('+'));
        var name = new StringBuilder("global::");
        for (var i = 0; i < parts.Count; i++)
        {
            if (CSharpText.Identifier(parts[i]) is not { } identifier)
                return null;
            name.Append(i > 0 ? "." : "").Append(identifier);
        }
        if (Arguments(space) is not { } arguments)
            return null;
        name.Append(arguments);
        while (Skip("[]"))
            name.Append("[]");
        return name.ToString(); // what follows, such as a type nested in a generic one, is not read: the name does not show whose the arguments are
    }

    // Null if they can't be read.
    private string? Arguments(string? scope)
    {
        if (!Skip(_isUrn ? "[[" : "<"))
            return "";
        var arguments = new List<string>();
        do
        {
            if (Type(scope) is not { } argument)
                return null;
            arguments.Add(argument);
        }
        while (Skip(_isUrn ? "],[" : ","));
        return Skip(_isUrn ? "]]" : ">") ? $"<{string.Join(", ", arguments)}>" : null;
    }

    private bool Skip(string token)
    {
        if (string.CompareOrdinal(_text, _at, token, 0, token.Length) != 0)
            return false;
        _at += token.Length;
        return true;
    }
}
