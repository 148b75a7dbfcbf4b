using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Gifs;
using RedeliveryOptions = WorkinIt.Consumers.GifEmails.RedeliveryOptions;

namespace WorkinIt.Tests.GifEmails;

/// <summary>A message whose service was not asked, because its circuit breaker is open or all connections were busy, has not used a try.</summary>
public sealed class NotAskedMailTests
{
    private static readonly TimeSpan[] _delays = [TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.FromHours(1)];

    private readonly RetryPolicy _policy = new(Options.Create(new RedeliveryOptions { Delays = _delays }), new FakeTimeProvider());

    public static TheoryData<int> Redeliveries => [0, 1, 2, 3, 4, 100];

    [Theory]
    [MemberData(nameof(Redeliveries))]
    public void Message_whose_service_was_not_asked_waits_in_the_first_delay_however_many_delays_it_has_used(int redeliveries)
    {
        _policy.DelayAfter(new MailDeferredException("the circuit breaker is open", serverIsDown: true, notAsked: true), redeliveries).ShouldBe(_delays[0]);
        _policy.DelayAfter(new MailDeferredException("all connections were busy", notAsked: true), redeliveries).ShouldBe(_delays[0]);
        _policy.DelayAfter(new GifUnavailableException("not asked", notAsked: true), redeliveries).ShouldBe(_delays[0]);
    }

    [Theory]
    [MemberData(nameof(Redeliveries))]
    public void Message_whose_service_was_asked_waits_in_the_next_delay_until_none_is_left(int redeliveries)
    {
        var expected = redeliveries < _delays.Length ? _delays[redeliveries] : (TimeSpan?)null;
        _policy.DelayAfter(new MailDeferredException("451 not now", saidLater: true), redeliveries).ShouldBe(expected);
        _policy.DelayAfter(new MailDeferredException("unreachable", serverIsDown: true), redeliveries).ShouldBe(expected);
    }

    [Fact]
    public void Message_whose_service_was_not_asked_is_not_retried_in_place() =>
        RetryPolicy.IsWorthARetryInPlace(new MailDeferredException("all connections were busy", notAsked: true)).ShouldBeFalse();
}
