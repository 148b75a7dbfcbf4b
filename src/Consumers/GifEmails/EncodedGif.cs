using System.Runtime.CompilerServices;
using System.Text;
using MimeKit;
using MimeKit.IO;
using WorkinIt.Gifs;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// A GIF of the collection as a MIME part. It is encoded once for all mails and written without MimeKit's scan for line ends, which would be
/// most of the work for a large mail.
/// </summary>
internal sealed class EncodedGif : MimePart
{
    private static readonly ConditionalWeakTable<CollectionGif, byte[]> _base64 = new();

    private readonly byte[] _encoded;

    /// <param name="gif">The GIF.</param>
    /// <param name="contentId">The Content-ID that the HTML refers to.</param>
    public EncodedGif(CollectionGif gif, string contentId)
        : base("image", "gif")
    {
        _encoded = _base64.GetValue(gif, Encode);
        ContentId = contentId;
        ContentDisposition = new ContentDisposition(ContentDisposition.Inline) { FileName = $"{gif.Name}.gif" };
        ContentTransferEncoding = ContentEncoding.Base64;
        Content = new MimeContent(new MemoryStream(_encoded, writable: false), ContentEncoding.Base64);
    }

    public override void WriteTo(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
    {
        if (options.NewLineFormat != NewLineFormat.Dos)
        {
            base.WriteTo(options, stream, contentOnly, cancellationToken);
            return;
        }
        if (!contentOnly)
            Headers.WriteTo(options, stream, cancellationToken);
        Unfiltered(stream).Write(_encoded);
    }

    public override async Task WriteToAsync(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
    {
        if (options.NewLineFormat != NewLineFormat.Dos)
        {
            await base.WriteToAsync(options, stream, contentOnly, cancellationToken);
            return;
        }
        if (!contentOnly)
            await Headers.WriteToAsync(options, stream, cancellationToken);
        await Unfiltered(stream).WriteAsync(_encoded, cancellationToken);
    }

    // MailKit's filter checks every byte to double the dots at line starts. Lines of base64 contain no dots, and they begin and end where the
    // filter expects a line to, so they may bypass it. A filter that must see the complete mail, for example to sign it, would need another way.
    private static Stream Unfiltered(Stream stream) => stream is FilteredStream filtered ? filtered.Source : stream;

    private static byte[] Encode(CollectionGif gif) =>
        Encoding.ASCII.GetBytes(Convert.ToBase64String(gif.Content.Span, Base64FormattingOptions.InsertLineBreaks) + "\r\n"); // 76 characters, CR LF
}
