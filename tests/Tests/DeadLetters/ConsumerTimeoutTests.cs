using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class ConsumerTimeoutTests
{
    [Theory]
    [InlineData("quorum", """{ "x-consumer-timeout": 60000 }""", "{}", "4.3.6", 20)]
    [InlineData("quorum", "{}", """{ "consumer-timeout": 90000 }""", "4.1.0", 30)]
    [InlineData("quorum", """{ "x-consumer-timeout": 86400000 }""", "{}", "4.3.6", 300)]
    [InlineData("quorum", """{ "x-consumer-timeout": 86400000 }""", """{ "consumer-timeout": 60000 }""", "4.3.6", 20)] // the shorter one applies
    [InlineData("quorum", """{ "x-consumer-timeout": 86400000 }""", "{}", "3.10.8", 20)] // ignores the argument
    [InlineData("classic", "{}", "{}", "4.3.6", 300)] // classic queues have no consumer timeout in 4.3
    [InlineData("classic", "{}", "{}", "3.10.8", 20)] // the broker's own timeout applies, which can't be queried
    public void Pass_ends_well_before_the_consumer_timeout_of_the_queue(string type, string arguments, string policy, string version, int seconds) =>
        ConsumerTimeout.LongestPass(Queue(type, arguments, policy), Version.Parse(version), countsReturns: false).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Consumer_timeout_error_is_recognized_and_explained_with_its_limit()
    {
        const string replyText = "PRECONDITION_FAILED - delivery acknowledgement on channel 2 timed out. Timeout value used: 60000 ms. This timeout value can be configured, see consumers doc guide to learn more";
        ConsumerTimeout.IsIn(replyText).ShouldBeTrue();
        ConsumerTimeout.IsIn("PRECONDITION_FAILED - unknown delivery tag 7").ShouldBeFalse();
        ConsumerTimeout.InWords(replyText).ShouldStartWith("Messages were held longer than RabbitMQ's consumer_timeout of 60 s, so RabbitMQ took them back.");
    }

    [Theory]
    [InlineData("""{ "x-delayed-retry-type": "all", "x-delayed-retry-min": 30000 }""", "{}", "for 30 s or more")]
    [InlineData("{}", """{ "delayed-retry-type": "returned", "delayed-retry-min": 500 }""", "for 0.5 s or more")]
    [InlineData("""{ "x-delayed-retry-type": "failed", "x-delayed-retry-min": 30000 }""", "{}", null)] // a returned message does not count as failed
    [InlineData("{}", "{}", null)]
    public void Delayed_retry_is_detected_from_the_arguments_and_the_policy_of_a_queue(string arguments, string policy, string? delay) =>
        Queue("quorum", arguments, policy).HidesReturnedMessages.ShouldBe(delay);

    private static BrokerQueue Queue(string type, string arguments, string policy) => JsonSerializer.Deserialize<BrokerQueue>(
        $$"""{ "name": "orders_error", "type": "{{type}}", "arguments": {{arguments}}, "effective_policy_definition": {{policy}} }""")!;
}
