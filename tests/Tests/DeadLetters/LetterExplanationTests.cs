using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Who added each header and property of a dead letter, what it says, and what a replay does with it.</summary>
public sealed class LetterExplanationTests
{
    [Theory]
    [InlineData("MT-Fault-ExceptionType", "System.TimeoutException", PartOrigin.MassTransit, ReplayEffect.Removed)]
    [InlineData("MT-Host-ProcessName", "shop", PartOrigin.MassTransit, ReplayEffect.Removed)]
    [InlineData("MT-Fault-Address", "rabbitmq://localhost/faults", PartOrigin.MassTransit, ReplayEffect.Kept)]
    [InlineData("MT-Response-Address", "rabbitmq://localhost/bus", PartOrigin.MassTransit, ReplayEffect.Kept)]
    [InlineData("x-delivery-count", "3", PartOrigin.RabbitMq, ReplayEffect.Removed)]
    [InlineData("x-first-death-queue", "orders", PartOrigin.RabbitMq, ReplayEffect.Removed)]
    [InlineData("x-opt-routing", "a", PartOrigin.RabbitMq, ReplayEffect.Kept)]
    [InlineData("x-shovelled-timestamp", "1764500000", PartOrigin.Shovel, ReplayEffect.Kept)]
    [InlineData("Replay-Count", "2", PartOrigin.Operation, ReplayEffect.Changed)]
    [InlineData("Replay-Send-Again", "true", PartOrigin.Operation, ReplayEffect.Removed)]
    [InlineData("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", PartOrigin.Sender, ReplayEffect.Kept)]
    public void Header_has_its_origin_a_meaning_and_an_effect(string name, string value, PartOrigin origin, ReplayEffect effect)
    {
        var part = Explain(new BasicProperties { Headers = new Dictionary<string, object?> { [name] = value } }).ShouldHaveSingleItem();

        (part.Name, part.Origin, part.Effect, part.BecomesHeader).ShouldBe((name, origin, effect, null));
        part.Meaning.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void Header_that_only_the_sender_knows_has_no_meaning_and_is_kept() =>
        Explain(new BasicProperties { Headers = new Dictionary<string, object?> { ["Tenant"] = "blue" } }, revealed: true).ShouldHaveSingleItem()
            .ShouldBe(new LetterPart("Tenant", "blue", PartOrigin.Sender, null, ReplayEffect.Kept));

    [Theory]
    [InlineData(2047, false)]
    [InlineData(2048, true)]
    public void Text_that_MassTransit_has_cut_is_said_to_be_cut(int length, bool isCut)
    {
        foreach (var name in new[] { "MT-Fault-Message", "MT-Fault-StackTrace" })
            Explain(new BasicProperties { Headers = new Dictionary<string, object?> { [name] = new string('x', length) } }).Single().Meaning!.Contains("Cut by MassTransit at 2,048", StringComparison.Ordinal).ShouldBe(isCut, name);
    }

    [Fact]
    public void What_would_have_an_effect_on_the_way_gets_another_name()
    {
        var parts = Explain(new BasicProperties
        {
            Expiration = "60000",
            UserId = "shop",
            DeliveryMode = DeliveryModes.Transient,
            CorrelationId = "a",
            Headers = new Dictionary<string, object?> { ["CC"] = new List<object?> { "copies" } },
        });

        parts.Where(part => part.Effect == ReplayEffect.Renamed).Select(part => $"{part.Name}: {part.EffectText}").Order(StringComparer.Ordinal).ShouldBe(
        [
            "CC: a replay renames it to Original-CC", "delivery_mode: a replay renames it to Original-Delivery-Mode", "expiration: a replay renames it to Original-Expiration",
            "user_id: a replay renames it to Original-User-Id",
        ]);
        parts.Single(part => part.Name == "correlation_id").Effect.ShouldBe(ReplayEffect.Kept);
    }

    [Fact]
    public void Parts_of_a_discarded_message_say_what_a_restore_does()
    {
        var parts = Explain(new BasicProperties
        {
            Expiration = "2592000000",
            Headers = new Dictionary<string, object?> { ["Discarded-From"] = "orders_error", ["Discarded-By"] = "jane", ["MT-Fault-Message"] = "late", ["Original-Expiration"] = "60000", ["x-delivery-count"] = 1L },
        });

        parts.Select(part => $"{part.Name}: {part.Origin}, {part.EffectText}").ShouldBe(
        [
            "Discarded-By: Operation, removed by a restore", "Discarded-From: Operation, removed by a restore", "MT-Fault-Message: MassTransit, kept by a restore", "Original-Expiration: Operation, kept by a restore",
            "x-delivery-count: RabbitMq, removed by a restore", "expiration: Operation, removed by a restore",
        ]);
    }

    [Fact]
    public void Header_without_a_value_is_kept() =>
        Explain(new BasicProperties { Headers = new Dictionary<string, object?> { ["Nothing"] = null } }).ShouldHaveSingleItem().Effect.ShouldBe(ReplayEffect.Kept);

    [Fact]
    public void Values_are_masked_until_the_letter_is_revealed()
    {
        var properties = new BasicProperties { Headers = new Dictionary<string, object?> { ["Customer"] = "jane@example.com" } };

        Explain(properties).Single().Value.ShouldNotContain("jane");
        Explain(properties, revealed: true).Single().Value.ShouldBe("jane@example.com");
    }

    private static IReadOnlyList<LetterPart> Explain(BasicProperties properties, bool revealed = false) =>
        new LetterView(new DeadLetter("orders_error", 1, 0, properties, "{}"u8.ToArray(), 1), revealed).Parts;
}
