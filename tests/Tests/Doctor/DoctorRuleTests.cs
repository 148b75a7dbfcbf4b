using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.Doctor;

/// <summary>What trips each rule of the doctor, and what is close to it and does not.</summary>
public sealed class DoctorRuleTests
{
    [Fact]
    public void Application_as_MassTransit_declares_it_has_no_finding() => Found(Shop(new TestHost())).ShouldBeEmpty();

    [Fact]
    public void Quorum_queue_with_a_delivery_limit_and_no_dead_letter_exchange_is_found()
    {
        Found(Shop(new TestHost()).Queue("late", "quorum")).ShouldBe(["delivery-limit late Loss"]);
        Found(Shop(new TestHost { Broker = "3.10.8" }).Queue("late", "quorum", [("x-delivery-limit", 3)])).ShouldBe(["delivery-limit late Loss", "broker-version  Advice"]);
        Found(Shop(new TestHost()).Queue("late", "quorum", policy: [("delivery-limit", 3)])).ShouldBe(["delivery-limit late Loss"]);
        Only(Shop(new TestHost()).Queue("late", "quorum")).What.ShouldBe("late deletes a message after 20 failed deliveries, the default of RabbitMQ 4");

        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-dead-letter-exchange", "orders_error")])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", "quorum", policy: [("dead-letter-exchange", "orders_error")])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", "quorum", policy: [("delivery-limit", -1)])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", "classic", policy: [("delivery-limit", 3)])).ShouldBeEmpty(); // a classic queue counts nothing
        Found(Shop(new TestHost { Broker = "3.10.8" }).Queue("late", "quorum")).ShouldBe(["broker-version  Advice"]);
    }

    [Fact]
    public void Unlimited_of_RabbitMQ_4_is_found_on_RabbitMQ_3_where_it_means_at_once()
    {
        Found(Shop(new TestHost { Broker = "3.13.7" }).Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBe(["negative-delivery-limit late Loss", "broker-version  Advice"]);
        Found(Shop(new TestHost { Broker = "3.13.7" }).Queue("orders_skipped", "quorum", [("x-delivery-limit", -1)])).ShouldBe(["negative-delivery-limit orders_skipped Loss", "broker-version  Advice"]);
        Found(Shop(new TestHost { Broker = "4.0.5" }).Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("delivery-limit", "quorum")]
    [InlineData("message-ttl", "classic")]
    [InlineData("max-length", "classic")]
    [InlineData("max-length-bytes", "classic")]
    [InlineData("expires", "classic")]
    public void Dead_letter_queue_with_a_limit_is_found_with_its_origin(string limit, string type)
    {
        Only(Shop(new TestHost()).Queue("late_error", type, [("x-" + limit, 5)])).What.ShouldBe($"late_error does not keep its dead letters: {limit} 5 (argument of the queue)");
        Only(Shop(new TestHost()).Queue("late_skipped", type, policy: [(limit, 5)])).What.ShouldBe($"late_skipped does not keep its dead letters: {limit} 5 (policy broad)");
        Only(Shop(new TestHost()).Queue("late.dlq", type, [("x-" + limit, 5)]), DeadLetterQueueNames.Parse("*.dlq")).Rule.ShouldBe("limited-dead-letter-queue");

        Found(Shop(new TestHost()).Queue("late_discarded", "classic", [("x-" + limit, 5)])).ShouldBeEmpty(); // these are deleted by intent
        Found(Shop(new TestHost()).Queue("late_error", "classic", policy: [("delivery-limit", 5), ("ha-mode", "all")])).ShouldBeEmpty();
    }

    [Fact]
    public void Dead_letter_queue_that_is_exclusive_or_auto_delete_is_found()
    {
        Found(Shop(new TestHost()).Queue("late_error", exclusive: true, durable: false)).ShouldBe(["temporary-dead-letter-queue late_error Loss"]);
        Found(Shop(new TestHost()).Queue("late_error", autoDelete: true)).ShouldBe(["temporary-dead-letter-queue late_error Loss"]);
        Found(Shop(new TestHost()).Queue("bus-temporary", exclusive: true, autoDelete: true, durable: false)).ShouldBeEmpty(); // a bus endpoint
    }

    [Fact]
    public void Dead_letter_exchange_that_leads_nowhere_is_found()
    {
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-dead-letter-exchange", "nowhere")])).ShouldBe(["missing-dead-letter-exchange late Loss"]);
        Found(Shop(new TestHost()).Queue("late", policy: [("dead-letter-exchange", "nowhere")])).ShouldBe(["missing-dead-letter-exchange late Loss"]);
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", "nowhere")])).ShouldBe(["missing-dead-letter-exchange late Loss"]);
        Found(Shop(new TestHost()).Exchange("unbound", null).Queue("late", arguments: [("x-dead-letter-exchange", "unbound")])).ShouldBe(["missing-dead-letter-exchange late Loss"]);

        Found(Shop(new TestHost()).Queue("late", arguments: [("x-dead-letter-exchange", "orders_error")])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", "orders")])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-dead-letter-exchange", "")])).ShouldBeEmpty(); // by the message's own routing key
        Found(Shop(new TestHost()).Exchange("unbound", null, alternate: "orders").Queue("late", arguments: [("x-dead-letter-exchange", "unbound")])).ShouldBeEmpty();
    }

    [Fact]
    public void Input_queue_that_drops_its_oldest_message_is_found()
    {
        Found(Consumed("late", [("x-max-length", 5)])).ShouldBe(["drop-head late Loss"]);
        Found(Consumed("late", [("x-max-length-bytes", 5), ("x-overflow", "drop-head")])).ShouldBe(["drop-head late Loss"]);
        Found(Consumed("late", [("x-max-length", 5), ("x-dead-letter-exchange", "orders_error")])).ShouldBe(["drop-head late Warning"]);
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-max-length", 5)]).Queue("late_error")).ShouldBe(["drop-head late Loss"]); // not consumed now

        Found(Consumed("late", [("x-max-length", 5), ("x-overflow", "reject-publish")])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-max-length", 1)])).ShouldBeEmpty(); // not an input queue: nobody replays into it
    }

    [Fact]
    public void Overflow_that_a_quorum_queue_does_not_have_is_found()
    {
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-overflow", "reject-publish-dlx"), ("x-delivery-limit", -1)])).ShouldBe(["reject-publish-dlx late Loss"]);
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-delivery-limit", -1)], [("overflow", "reject-publish-dlx")])).ShouldBe(["reject-publish-dlx late Loss"]);
        Found(Shop(new TestHost()).Queue("late", "classic", [("x-overflow", "reject-publish-dlx")])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-overflow", "reject-publish"), ("x-delivery-limit", -1)])).ShouldBeEmpty();
    }

    [Fact]
    public void Input_queue_whose_messages_or_which_itself_expires_is_found()
    {
        Only(Consumed("late", [("x-message-ttl", 60_000)])).What.ShouldBe("late deletes a message that waits for 60 s (message-ttl, argument of the queue)");
        Found(Consumed("late", [("x-message-ttl", 60_000), ("x-dead-letter-exchange", "orders_error")])).ShouldBe(["expiring-input late Warning"]);
        Found(Consumed("late", [("x-expires", 60_000)])).ShouldBe(["expiring-input late Loss"]);

        // A delay queue: it has no consumer and no dead-letter queue.
        Found(Shop(new TestHost()).Exchange("orders_delay_5s", "orders_delay_5s").Queue("orders_delay_5s", arguments: [("x-message-ttl", 5000), ("x-dead-letter-exchange", "orders")])).ShouldBeEmpty();
    }

    [Fact]
    public void Alternate_exchange_on_the_way_of_a_replay_is_found_by_argument_and_by_policy()
    {
        Found(Shop(new TestHost()).Queue("late", figures: (0, 0, 1, 0, 0)).Exchange("late", "late", alternate: "lost")).ShouldBe(["alternate-exchange late Warning"]);
        Found(Shop(new TestHost()).Queue("late", figures: (0, 0, 1, 0, 0)).Exchange("late", null, alternate: "lost")).ShouldBe(["alternate-exchange late Loss"]);
        Found(Shop(new TestHost()).Queue("late", figures: (0, 0, 1, 0, 0)).Exchange("late", "late", policy: "p").AlternatePolicy("p", "lost")).ShouldBe(["alternate-exchange late Warning"]);

        Found(Shop(new TestHost()).Exchange("Shop:OrderPlaced", "orders", alternate: "lost")).ShouldBeEmpty(); // a replay does not go through it
        Found(Shop(new TestHost()).Queue("late", figures: (0, 0, 1, 0, 0)).Exchange("late", "late", policy: "other").AlternatePolicy("p", "lost")).ShouldBeEmpty();
    }

    [Fact]
    public void Messages_that_go_round_are_found_and_a_busy_queue_is_not()
    {
        Found(Shop(new TestHost()).Queue("late", figures: (1, 100, 1, 800, 0))).ShouldBe(["returned-messages late Warning"]);
        Found(Shop(new TestHost()).Queue("late", figures: (1, 100, 1, 800, 50))).ShouldBe(["returned-messages late Warning"]);
        Found(Shop(new TestHost()).Queue("late_error", figures: (1, 100, 1, 800, 0))).ShouldBeEmpty(); // the console reads it, and returns what it has read
        Found(Shop(new TestHost()).Queue("late", figures: (1, 100, 1, 800, 500))).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", figures: (1, 100, 1, 2, 0))).ShouldBeEmpty(); // a retry every second or so
    }

    [Theory]
    [InlineData("all", true)]
    [InlineData("returned", true)]
    [InlineData("failed", false)]
    [InlineData("disabled", false)]
    public void Delayed_retry_that_hides_dead_letters_from_their_readers_is_found(string type, bool isFound)
    {
        Found(Shop(new TestHost()).Queue("late_error", "quorum", [("x-dead-letter-exchange", "orders")], [("delayed-retry-type", type), ("delayed-retry-min", 60_000)]))
            .ShouldBe(isFound ? ["delayed-retry late_error Warning"] : []);
        Found(Consumed("late", [("x-delayed-retry-type", type), ("x-dead-letter-exchange", "orders_error")], "quorum")).ShouldBeEmpty(); // its own purpose
    }

    [Fact]
    public void Short_consumer_timeout_is_found_where_it_applies()
    {
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-consumer-timeout", 60_000), ("x-delivery-limit", -1)])).ShouldBe(["consumer-timeout late Warning"]);
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-delivery-limit", -1)], [("consumer-timeout", 60_000)])).ShouldBe(["consumer-timeout late Warning"]);
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-consumer-timeout", 1_800_000), ("x-delivery-limit", -1)])).ShouldBeEmpty();
        Found(Shop(new TestHost()).Queue("late", "classic", policy: [("consumer-timeout", 60_000)])).ShouldBeEmpty(); // these have none from 4.3 on
    }

    [Fact]
    public void Queue_of_another_type_than_the_default_is_found()
    {
        Found(new TestHost { DefaultQueueType = "quorum" }.Queue("late")).ShouldBe(["default-queue-type late Warning"]);
        Found(new TestHost { DefaultQueueType = "quorum" }.Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBeEmpty();
        foreach (var other in new[] { "classic", "undefined", null }) // a quorum queue is declared as one there
            Found(new TestHost { DefaultQueueType = other }.Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBeEmpty();
        Found(new TestHost { DefaultQueueType = "quorum" }.Queue("bus", exclusive: true, durable: false).Queue("temporary", autoDelete: true)).ShouldBeEmpty(); // the default does not apply to them
    }

    [Fact]
    public void Queue_that_a_restart_deletes_is_found()
    {
        Found(Shop(new TestHost()).Queue("late", durable: false)).ShouldBe(["transient-queue late Loss"]);
        Found(Shop(new TestHost()).Queue("late", durable: false, exclusive: true)).ShouldBeEmpty();
    }

    [Fact]
    public void Messages_that_RabbitMQ_4_refuses_are_found_before_the_upgrade()
    {
        const long mebibyte = 1024 * 1024;
        Found(new TestHost { Broker = "3.13.7" }.Queue("late", figures: (2, 40 * mebibyte, 0, 0, 0))).ShouldBe(["large-messages late Warning", "broker-version  Advice"]);
        Found(new TestHost { Broker = "3.13.7" }.Queue("late", figures: (3, 40 * mebibyte, 0, 0, 0))).ShouldBe(["broker-version  Advice"]);
        Found(new TestHost().Queue("late", figures: (1, 20 * mebibyte, 0, 0, 0))).ShouldBeEmpty(); // its broker has taken it
    }

    [Theory]
    [InlineData(".*", ".*", ".*", true)]
    [InlineData("^.*$", "", ".*", false)]
    [InlineData("^shop:", ".*", ".*", false)]
    [InlineData("", "", ".*", false)]
    [InlineData("(?R", ".*", ".*", false)] // valid for RabbitMQ's engine only
    public void User_that_may_do_everything_is_found(string configure, string write, string read, bool isFound) =>
        Found(Shop(new TestHost()).User("web", configure, write, read)).ShouldBe(isFound ? ["wide-permissions  Advice"] : []);

    [Fact]
    public void What_the_user_may_not_read_is_reported_as_not_checked()
    {
        Unchecked(Shop(new TestHost())).ShouldBeEmpty();
        Unchecked(Shop(new TestHost { IsAdministrator = false })).ShouldBe(["wide-permissions"]);
        Unchecked(Shop(new TestHost { IsAdministrator = false }).Queue("late", figures: (0, 0, 1, 0, 0)).Exchange("late", "late", policy: "p")).ShouldBe(["alternate-exchange", "wide-permissions"]);
    }

    [Fact]
    public void Check_of_one_queue_reports_it_and_its_dead_letter_queues_only()
    {
        var host = new TestHost { Broker = "3.13.7" }.Queue("late", durable: false).Queue("late_error", durable: false).Queue("other", durable: false).Queue("other_error", durable: false).Read();
        VirtualHostDoctor.Check(host, "late").Findings.Select(finding => finding.Queue).ShouldBe(["late", "late_error"]);
        VirtualHostDoctor.Check(host, "late_error").Findings.Select(finding => finding.Queue).ShouldBe(["late_error"]);
        VirtualHostDoctor.Check(host, null).Findings.Count.ShouldBe(5);
    }

    // An input queue with its dead-letter queue and their exchanges, as in docs/production.md.
    private static TestHost Shop(TestHost host) => host
        .Queue("orders", "quorum", [("x-dead-letter-exchange", "orders_error")], figures: (3, 300, 1, 0, 200)).Exchange("orders", "orders")
        .Queue("orders_error").Exchange("orders_error", "orders_error");

    private static TestHost Consumed(string queue, (string, object)[] arguments, string type = "classic") =>
        Shop(new TestHost()).Queue(queue, type, arguments, figures: (0, 0, 1, 0, 0)).Exchange(queue, queue);

    private static IEnumerable<string> Found(TestHost host) => VirtualHostDoctor.Check(host.Read(), null).Findings.Select(finding => $"{finding.Rule} {finding.Queue} {finding.Severity}");

    private static Finding Only(TestHost host, DeadLetterQueueNames? names = null) => VirtualHostDoctor.Check(host.Read(names), null).Findings.ShouldHaveSingleItem();

    private static IEnumerable<string> Unchecked(TestHost host) => VirtualHostDoctor.Check(host.Read(), null).Unchecked.Select(one => one.Rule);
}
