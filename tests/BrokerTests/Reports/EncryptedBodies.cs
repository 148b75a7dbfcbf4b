using System.Net.Mime;
using System.Security.Cryptography;
using MassTransit;
using MassTransit.Context;
using MassTransit.Serialization;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>A serializer that encrypts the body: what it produces can't be read without the key. MassTransit's own one needs another package.</summary>
internal sealed class EncryptedBodies(byte[] key) : ISerializerFactory, IMessageSerializer, IMessageDeserializer
{
    private static readonly SystemTextJsonMessageSerializer _json = new();

    public ContentType ContentType { get; } = new("application/vnd.masstransit+aes");

    public IMessageSerializer CreateSerializer() => this;

    public IMessageDeserializer CreateDeserializer() => this;

    public MessageBody GetMessageBody<T>(SendContext<T> context)
        where T : class
    {
        using var aes = Aes.Create();
        aes.Key = key;
        return new BytesMessageBody([.. aes.IV, .. aes.EncryptCbc(_json.GetMessageBody(context).GetBytes(), aes.IV)]);
    }

    public ConsumeContext Deserialize(ReceiveContext receiveContext) =>
        new BodyConsumeContext(receiveContext, Deserialize(receiveContext.Body, receiveContext.TransportHeaders, receiveContext.InputAddress));

    public SerializerContext Deserialize(MessageBody body, Headers headers, Uri? destinationAddress = null)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        var bytes = body.GetBytes();
        return _json.Deserialize(new BytesMessageBody(aes.DecryptCbc(bytes.AsSpan(16), bytes.AsSpan(0, 16))), headers, destinationAddress);
    }

    public MessageBody GetMessageBody(string text) => _json.GetMessageBody(text);

    public void Probe(ProbeContext context) => context.CreateScope("encrypted");
}
