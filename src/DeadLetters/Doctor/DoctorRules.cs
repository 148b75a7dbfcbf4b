namespace WorkinIt.DeadLetters;

/// <summary>All rules of the doctor, in the order of docs/doctor.md.</summary>
internal static class DoctorRules
{
    public static IReadOnlyList<DoctorRule> All { get; } =
    [
        new DeliveryLimitRule(), new NegativeDeliveryLimitRule(), new LimitedDeadLetterQueueRule(), new TemporaryDeadLetterQueueRule(),
        new MissingDeadLetterExchangeRule(), new DropHeadRule(), new RejectPublishDlxRule(), new ExpiringInputRule(), new AlternateExchangeRule(),
        new ReturnedMessagesRule(), new DelayedRetryRule(), new ConsumerTimeoutRule(), new DefaultQueueTypeRule(), new TransientQueueRule(),
        new LargeMessageRule(), new WidePermissionsRule(), new BrokerVersionRule(),
    ];
}
