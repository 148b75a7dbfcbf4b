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

    [Theory]
    [InlineData("4.3.6", -1L, 5L, 5L)] // seen by running
    [InlineData("4.3.6", 5L, -1L, 5L)]
    [InlineData("4.3.6", 5L, 3L, 3L)]
    [InlineData("4.3.6", 0L, 5L, 0L)]
    [InlineData("4.3.6", -1L, -2L, -1L)]
    [InlineData("3.10.8", -1L, 5L, -1L)]
    [InlineData("3.10.8", 5L, 3L, 3L)]
    public void Delivery_limit_that_applies_is_the_one_that_the_broker_was_seen_to_use(string broker, long argument, long policy, long limit)
    {
        var host = Shop(new TestHost { Broker = broker }).Queue("late", "quorum", [("x-delivery-limit", argument)], [("delivery-limit", policy)]);
        var queue = host.Read().Queues.Single(one => one.Name == "late");
        queue.DeliveryLimitOn(Version.Parse(broker)).ShouldBe(limit);
        Found(host).Where(finding => finding.StartsWith("delivery-limit", StringComparison.Ordinal)).ShouldBe(limit < 0 ? [] : ["delivery-limit late Loss"]);
        QueueAccess.Limit(queue, new Version(4, 2)).ShouldBe(Math.Min(argument, policy) < 0 ? Math.Max(argument, policy) is >= 0 and var one ? one : null : Math.Min(argument, policy)); // what a read may spend
    }

    [Fact]
    public void Dead_letter_queue_that_a_policy_limits_in_spite_of_an_unlimited_argument_is_found()
    {
        Found(Shop(new TestHost()).Queue("late_error", "quorum", [("x-delivery-limit", -1)], [("delivery-limit", 5)])).ShouldBe(["limited-dead-letter-queue late_error Loss"]);
        Only(Shop(new TestHost()).Queue("late_error", "quorum", [("x-delivery-limit", -1)], [("delivery-limit", 5)])).What.ShouldEndWith("delivery-limit 5 (argument of the queue and policy broad)");
    }

    [Fact]
    public void Remedy_does_not_advise_what_the_broker_refuses_or_ignores()
    {
        const string refused = "406 PRECONDITION_FAILED";
        Only(Shop(new TestHost()).Queue("late", "quorum", [("x-delivery-limit", 5)])).Remedy.ShouldSatisfyAllConditions(it => it.ShouldContain(refused), it => it.ShouldContain("No policy can lift a limit that is an argument"));
        Only(Shop(new TestHost()).Queue("late", "quorum", policy: [("delivery-limit", 5)])).Remedy.ShouldSatisfyAllConditions(it => it.ShouldStartWith("Add dead-letter-exchange to the policy broad"), it => it.ShouldContain("delivery-limit -1"));
        Only(Consumed("late", [("x-max-length", 5), ("x-overflow", "drop-head")])).Remedy.ShouldContain(refused); // a classic queue follows its argument
        Only(Consumed("late", [("x-max-length", 5)])).Remedy.ShouldStartWith("Set overflow reject-publish with a policy");
        Only(Shop(new TestHost()).Queue("late_error", arguments: [("x-message-ttl", 5)])).Remedy.ShouldContain(refused);
        Only(Shop(new TestHost()).Queue("late_error", policy: [("message-ttl", 5)])).Remedy.ShouldBe("Narrow the policy broad so that it does not match dead-letter queues");
        Only(Shop(new TestHost()).Queue("late_error", autoDelete: true)).Remedy.ShouldContain("a shovel, which is a consumer too");
        Only(Shop(new TestHost()).Queue("late", durable: false)).Remedy.ShouldContain(refused);
        Only(Consumed("late", [("x-expires", 60_000)])).Remedy.ShouldContain(refused);
        Only(Consumed("late", [("x-message-ttl", 60_000)])).Remedy.ShouldContain(refused);
        Only(Shop(new TestHost()).Queue("late", "quorum", [("x-consumer-timeout", 60_000), ("x-delivery-limit", -1)])).Remedy.ShouldContain(refused);
    }

    [Fact]
    public void Remedy_changes_what_applies_and_takes_away_no_limit_that_protects()
    {
        var unlimited = Only(Shop(new TestHost { Broker = "4.3.6" }).Queue("late_error", "quorum", [("x-delivery-limit", -1)], [("delivery-limit", 5)]));
        (unlimited.Rule, unlimited.Remedy).ShouldBe(("limited-dead-letter-queue", "Narrow the policy broad so that it does not match dead-letter queues"));
        Only(Shop(new TestHost { Broker = "4.3.6" }).Queue("late_error", "quorum", [("x-delivery-limit", 5)])).Remedy.ShouldContain("set x-delivery-limit to -1");
        Only(Shop(new TestHost { Broker = "4.3.6" }).Queue("late", "quorum", [("x-delivery-limit", -1)], [("delivery-limit", 5)])).Remedy.ShouldNotContain("No policy can lift");
        new TestHost().Queue("late", "quorum", [("x-delivery-limit", -1)], [("delivery-limit", 9)]).Read().Queues.Single().MoreReturnsAdviceOn(new Version(4, 1)).ShouldBe("Raise its delivery-limit with a policy");
        Only(Shop(new TestHost { Broker = "4.3.6" }).Queue("late", "quorum", [("x-consumer-timeout", 1_800_000), ("x-delivery-limit", -1)], [("consumer-timeout", 60_000)])).Remedy.ShouldStartWith("Make it longer in the policy broad");
        Only(Shop(new TestHost()).Queue("late", durable: false, autoDelete: true)).Remedy.ShouldNotContain("shovel");
    }

    [Fact]
    public void Dead_letter_queue_whose_dead_letters_end_nowhere_loses_them()
    {
        (string, object) limit = ("x-message-ttl", 5);
        Found(Shop(new TestHost()).Queue("late_error", arguments: [limit, ("x-dead-letter-exchange", "")])).ShouldBe(["limited-dead-letter-queue late_error Loss"]);
        Found(Shop(new TestHost()).Queue("late_error", arguments: [limit, ("x-dead-letter-exchange", "nowhere")])).ShouldBe(["missing-dead-letter-exchange late_error Loss", "limited-dead-letter-queue late_error Loss"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("x-delivery-limit", "Its limit is an argument, which no policy can raise")]
    [InlineData("x-max-length", "Raise its delivery-limit with a policy")]
    public void Advice_to_raise_a_delivery_limit_is_given_only_if_that_has_an_effect(string argument, string advice) =>
        new TestHost().Queue("late", "quorum", [(argument, 5)], [("delivery-limit", 9)]).Read().Queues.Single().MoreReturnsAdviceOn(new Version(4, 1)).ShouldStartWith(advice);

    [Fact]
    public void Unlimited_of_RabbitMQ_4_is_found_on_RabbitMQ_3_where_it_means_at_once()
    {
        Found(Shop(new TestHost { Broker = "3.13.7" }).Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBe(["negative-delivery-limit late Loss", "broker-version  Advice"]);
        Found(Shop(new TestHost { Broker = "3.13.7" }).Queue("orders_skipped", "quorum", [("x-delivery-limit", -1)])).ShouldBe(["negative-delivery-limit orders_skipped Loss", "broker-version  Advice"]);
        Found(Shop(new TestHost { Broker = "4.0.5" }).Queue("late", "quorum", [("x-delivery-limit", -1)])).ShouldBe(["broker-version  Advice"]);
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
    public void Dead_letter_queue_whose_dead_letters_go_on_is_a_loss_only_where_they_end()
    {
        (string, object) limit = ("x-message-ttl", 5), exchange = ("x-dead-letter-exchange", "late_error");
        Found(Shop(new TestHost()).Queue("late_error", arguments: [limit, ("x-dead-letter-exchange", "orders_error")])).ShouldBe(["limited-dead-letter-queue late_error Warning"]);
        Found(Shop(new TestHost()).Queue("late_error", arguments: [("x-expires", 5), ("x-dead-letter-exchange", "orders_error")])).ShouldBe(["limited-dead-letter-queue late_error Loss"]); // an expiry routes nothing
        Found(Shop(new TestHost()).Exchange("late_error", "late_error").Queue("late_error", arguments: [limit, exchange])).ShouldBe(["limited-dead-letter-queue late_error Loss"]); // copied from the input queue
        Found(Shop(new TestHost()).Queue("late_error", arguments: [limit, ("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", "late_error")])).ShouldBe(["limited-dead-letter-queue late_error Loss"]);
        Found(Shop(new TestHost()).Exchange("late_error", "late_error").Queue("late_error", "quorum", [limit, exchange, ("x-dead-letter-strategy", "at-least-once"), ("x-overflow", "reject-publish")]))
            .ShouldBe(["limited-dead-letter-queue late_error Warning"]); // kept, but not readable
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

    [Theory]
    [InlineData("quorum", "at-least-once", "reject-publish", "Warning")]
    [InlineData("quorum", "at-least-once", "drop-head", "Loss")] // the broker falls back to at-most-once
    [InlineData("quorum", "at-most-once", "reject-publish", "Loss")]
    [InlineData("classic", "at-least-once", "reject-publish", "Loss")]
    public void Message_for_a_missing_exchange_is_lost_unless_the_queue_dead_letters_at_least_once(string type, string strategy, string overflow, string severity) =>
        Found(Shop(new TestHost()).Queue("late", type, [("x-dead-letter-exchange", "nowhere"), ("x-dead-letter-strategy", strategy), ("x-overflow", overflow)])).ShouldBe([$"missing-dead-letter-exchange late {severity}"]);

    [Fact]
    public void Input_queue_that_drops_its_oldest_message_is_found()
    {
        Found(Consumed("late", [("x-max-length", 5)])).ShouldBe(["drop-head late Loss"]);
        Found(Consumed("late", [("x-max-length-bytes", 5), ("x-overflow", "drop-head")])).ShouldBe(["drop-head late Loss"]);
        Found(Consumed("late", [("x-max-length", 5), ("x-dead-letter-exchange", "orders_error")])).ShouldBe(["drop-head late Warning"]);
        Found(Shop(new TestHost()).Queue("late", arguments: [("x-max-length", 5)]).Queue("late_error")).ShouldBe(["drop-head late Loss"]); // not consumed now

        Found(Consumed("late", [("x-max-length", 5), ("x-overflow", "reject-publish")])).ShouldBeEmpty();

        // Argument and policy differ: a classic queue follows the argument, a quorum queue the policy.
        Found(Overflow("classic", "reject-publish", "drop-head")).ShouldBeEmpty();
        Found(Overflow("classic", "drop-head", "reject-publish")).ShouldBe(["drop-head late Loss"]);
        Found(Overflow("quorum", "reject-publish", "drop-head")).ShouldBe(["drop-head late Loss"]);
        Found(Overflow("quorum", "drop-head", "reject-publish")).ShouldBeEmpty();
        Found(Overflow("quorum", "reject-publish-dlx", "reject-publish")).ShouldBeEmpty();
        Found(Overflow("quorum", "reject-publish", "reject-publish-dlx")).ShouldBe(["reject-publish-dlx late Loss"]);
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
        Found(Shop(new TestHost()).Queue("late", "quorum", [("x-consumer-timeout", 1_800_000), ("x-delivery-limit", -1)], [("consumer-timeout", 60_000)])).ShouldBe(["consumer-timeout late Warning"]); // the shorter one
        Found(Shop(new TestHost { Broker = "3.10.8" }).Queue("late", arguments: [("x-consumer-timeout", 60_000)])).ShouldBe(["broker-version  Advice"]); // takes the argument, and ignores it
        Found(Shop(new TestHost { Broker = "3.12.0" }).Queue("late", arguments: [("x-consumer-timeout", 60_000)])).ShouldBe(["consumer-timeout late Warning", "broker-version  Advice"]);
        Found(Shop(new TestHost { Broker = "3.10.8" }).Queue("late", arguments: [("x-consumer-timeout", "60 s"), ("x-max-length", "5")])).ShouldBe(["broker-version  Advice"]); // takes any value
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
    [InlineData("3.10.8", "and the series 3.10 gets no more free updates")]
    [InlineData("3.13.7", "since 2024-09-17")]
    [InlineData("4.0.9", "since 2025-04-15")]
    [InlineData("4.1.8", "since 2026-01-30")]
    [InlineData("4.2.9", "since 2026-07-31")]
    [InlineData("4.3.6", null)]
    [InlineData("4.10.0", null)]
    [InlineData("5.0.0", null)]
    [InlineData("0.0", null)] // unknown
    public void Series_without_free_updates_is_found(string broker, string? ended)
    {
        var found = VirtualHostDoctor.Check(new TestHost { Broker = broker }.Read(), null).Findings;
        found.Count.ShouldBe(ended is null ? 0 : 1);
        if (ended is not null)
            found.Single().What.ShouldEndWith(ended);
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

    // An input queue that is full.
    private static TestHost Overflow(string type, string argument, string policy) => Shop(new TestHost())
        .Queue("late", type, [("x-max-length", 5), ("x-overflow", argument), ("x-delivery-limit", -1)], [("overflow", policy)], (0, 0, 1, 0, 0)).Exchange("late", "late");

    private static IEnumerable<string> Found(TestHost host) => VirtualHostDoctor.Check(host.Read(), null).Findings.Select(finding => $"{finding.Rule} {finding.Queue} {finding.Severity}");

    private static Finding Only(TestHost host, DeadLetterQueueNames? names = null) => VirtualHostDoctor.Check(host.Read(names), null).Findings.ShouldHaveSingleItem();

    private static IEnumerable<string> Unchecked(TestHost host) => VirtualHostDoctor.Check(host.Read(), null).Unchecked.Select(one => one.Rule);
}
