using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The operator's command on dead letters of WorkinIt, run as the RabbitMQ user replay.</summary>
public sealed class DeadLetterCommandTests
{
    private const string Error = "send-gif-email_error";

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Dead_letters_are_listed_grouped_shown_and_replayed_and_their_mails_arrive(string type)
    {
        var (system, web) = await StartAsync(type);
        await using var s = system;
        var operate = OperatorCommand.Of(system);
        (await operate.RunProcessAsync("dead-letters", "list")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0), it => it.Output.ShouldContain("No dead letters"));

        system.Mail.OnMail = mail => mail.Recipient is null ? null : SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 <{recipient}> unknown");
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
            ids.Add(await WorkinItSystem.SubmitAsync(web, $"jane{i}@people.example", "a private thought"));
        await system.SeeReadyAsync(Error, 3);
        (await operate.RunAsync("dead-letters", "list", "--json")).Output.ShouldContain("\"messages\": 3"); // immediately, although the management API counts them later

        var groups = (await operate.RunAsync("dead-letters", "list", "--groups", "--json")).Json.GetProperty("groups");
        groups.GetArrayLength().ShouldBe(1);
        groups[0].GetProperty("count").GetInt64().ShouldBe(3);

        var masked = await operate.RunAsync("dead-letters", "show", ids[0].ToString());
        masked.Output.ShouldContain("550 5.1.1");
        masked.Output.ShouldContain("\"emailAddress\": \"j…@p…\"");
        (masked.Output + masked.Errors).ShouldNotContain("private thought");
        (await operate.RunAsync("dead-letters", "show", ids[0].ToString(), "--json")).Output.ShouldNotContain("private thought");
        (await operate.RunAsync("dead-letters", "show", ids[0].ToString(), "--reveal")).Output.ShouldContain("jane0@people.example");

        var dry = await operate.RunAsync("dead-letters", "replay", "--all", "--dry-run");
        dry.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0), it => it.Output.ShouldContain("3 ready to replay"));
        await system.SeeReadyAsync(Error, 3);

        var again = await operate.RunAsync("dead-letters", "replay", "--all", "--yes", "--json");
        again.Code.ShouldBe(1); // the mail server still refuses them
        Outcomes(again).ShouldBe(["failedAgain", "failedAgain", "failedAgain"]);
        await system.SeeReadyAsync(Error, 3);

        // The submission's page shows the operator's decision.
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--where", $"id={ids[0]}", "--yes")).Code.ShouldBe(0);
        await Eventually.SeeAsync(
            () => WorkinItSystem.StatusAsync(web, ids[0]), status => status is { State: "failed" } && status.Detail.Contains("have stopped trying", StringComparison.Ordinal), "the page shows that WorkinIt stopped trying");
        (await operate.RunAsync("dead-letters", "restore", "--queue", Error, "--all", "--yes")).Code.ShouldBe(0);
        await Eventually.SeeAsync(
            () => WorkinItSystem.StatusAsync(web, ids[0]), status => status.Detail.Contains("We’re looking into it", StringComparison.Ordinal), "the page shows that the problem is being looked into");

        system.Mail.OnMail = null;
        var replayed = await operate.RunProcessAsync("dead-letters", "replay", "--where", "exception=refused", "--yes", "--json");
        replayed.Code.ShouldBe(0, replayed.ToString());
        Outcomes(replayed).ShouldBe(["handled", "handled", "handled"]);
        system.Mail.MailCount.ShouldBe(3);
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, ids[0]), status => status.State == "sent", "Web shows state sent");
        (await operate.RunAsync("dead-letters", "show", ids[0].ToString())).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(1), it => it.Errors.ShouldContain("It was sent at 20"));

        var audit = (await operate.RunAsync("dead-letters", "audit", "--json")).Json.EnumerateArray().ToList();
        audit.Select(entry => entry.GetProperty("verb").GetString()).ShouldBe(["replay", "restore", "discard", "replay", "reveal"]);
        audit.ShouldAllBe(entry => entry.GetProperty("by").GetString() == "jane");
        system.Logs.ShouldNotContain("jane0");
    }

    [Fact]
    public async Task Commands_report_nothing_to_do_when_there_are_no_dead_letters()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        var operate = OperatorCommand.Of(system);
        foreach (string[] command in new string[][] { ["list", "--groups"], ["replay", "--all", "--yes"], ["replay", "--queue", Error, "--all", "--yes"], ["discard", "--queue", Error, "--all", "--yes"], ["discard", "--all", "--yes"], ["restore", "--all", "--yes"] })
            (await operate.RunAsync(["dead-letters", .. command])).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0, it.ToString()), it => it.Errors.ShouldStartWith("Nothing to do: "));
        (await operate.RunWithAsync("{}", "dead-letters", "edit", "1a2b", "--message", "-", "--yes")).Code.ShouldBe(1);
        (await operate.RunAsync("dead-letters", "restore", "--queue", Error, "--all", "--yes")).Code.ShouldBe(2); // nothing was discarded yet, so the queue does not exist
        (await operate.RunAsync("dead-letters", "audit")).Output.ShouldContain("No audit entries"); // nothing was done
    }

    [Fact]
    public async Task Conditions_that_match_no_message_have_the_same_exit_code_in_each_command()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        await DeadLetterPages.PutAsync(system.VirtualHost, Error, """{"email":"jane@example.com"}""", "System.TimeoutException", "It took 30 s");
        var operate = OperatorCommand.Of(system);
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--all", "--yes")).Code.ShouldBe(0);
        await DeadLetterPages.PutAsync(system.VirtualHost, Error, """{"email":"jane@example.com"}""", "System.TimeoutException", "It took 30 s");
        string[] where = ["--queue", Error, "--where", "id=0123456789abcdef"];
        foreach (string[] command in new string[][]
        {
            ["replay", .. where, "--yes"], ["replay", .. where, "--dry-run"], ["discard", .. where, "--yes"], ["discard", .. where, "--dry-run"],
            ["restore", .. where, "--yes"], ["restore", .. where, "--dry-run"], ["export", .. where], ["show", "0123456789abcdef", "--queue", Error],
        })
            (await operate.RunAsync(["dead-letters", .. command])).Code.ShouldBe(1, string.Join(' ', command));
        (await operate.RunWithAsync("{}", "dead-letters", "edit", "0123456789abcdef", "--queue", Error, "--message", "-", "--yes")).Code.ShouldBe(1);
    }

    [Fact]
    public async Task List_says_that_no_dead_letter_queue_exists_and_how_many_messages_wait_in_delay_queues()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        var operate = OperatorCommand.Of(system);
        (await operate.RunAsync("dead-letters", "list")).Output.ShouldContain("No dead-letter queue exists in this virtual host");
        await system.DeployAsync();
        await using (var channel = await system.VirtualHost.OpenChannelAsync())
            await channel.BasicPublishAsync("", "send-gif-email_delay_5m", mandatory: true, new BasicProperties { Persistent = true }, "{}"u8.ToArray());

        var listed = await Eventually.SeeAsync(
            () => operate.RunAsync("dead-letters", "list"), list => list.Output.Contains(" wait in ", StringComparison.Ordinal), "the management API counts the message", TimeSpan.FromSeconds(30));
        listed.Output.ShouldSatisfyAllConditions(it => it.ShouldContain("1 wait in send-gif-email_delay_5m for a later try"), it => it.ShouldContain("send-gif-email_error"));
    }

    [Fact]
    public async Task Dead_letters_stay_when_a_file_cannot_be_written_and_search_text_is_masked_in_the_audit()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        await DeadLetterPages.PutAsync(system.VirtualHost, Error, """{"email":"jane@example.com"}""", "System.TimeoutException", "It took 30 s", count: 2);

        // File permissions would not prevent it: root can write anywhere.
        var unwritable = OperatorCommand.Of(system, ("DeadLetters__AuditFile", "/dev/null/audit.jsonl"));
        foreach (var verb in new[] { "discard", "replay" })
        {
            var refused = await unwritable.RunAsync("dead-letters", verb, "--queue", Error, "--all", "--yes");
            refused.Code.ShouldBe(1, refused.ToString());
            refused.Errors.ShouldContain("DeadLetters__AuditFile");
            refused.Errors.ShouldNotContain("   at ");
        }
        var export = await OperatorCommand.Of(system).RunAsync("dead-letters", "export", "--queue", Error, "--output", "/dev/null/letters.jsonl");
        export.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2, it.ToString()), it => it.Errors.ShouldContain("/dev/null"));
        await system.SeeReadyAsync(Error, 2);

        (await OperatorCommand.Of(system).RunAsync("dead-letters", "discard", "--queue", Error, "--where", "text=jane@example.com", "--yes")).Code.ShouldBe(0);
        foreach (var form in new[] { Array.Empty<string>(), ["--json"] })
        {
            var audit = await OperatorCommand.Of(system).RunAsync(["dead-letters", "audit", .. form]);
            audit.Output.ShouldContain("discard");
            audit.Output.ShouldContain("text=j");
            audit.Output.ShouldNotContain("jane@");
        }
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Dead_letter_with_a_wrong_address_is_edited_and_one_mail_arrives_at_the_right_one(string type)
    {
        var (system, web) = await StartAsync(type);
        await using var s = system;
        system.Mail.OnMail = mail => mail.Recipient == "jane@wrong.example" ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown") : null;
        var id = await WorkinItSystem.SubmitAsync(web, "jane@wrong.example", "hello");
        await system.SeeReadyAsync(Error, 1);
        var operate = OperatorCommand.Of(system);

        var broken = await operate.RunWithAsync("{ \"no\": ", "dead-letters", "edit", id.ToString(), "--queue", Error, "--message", "-", "--yes");
        broken.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("not valid JSON (line 1)"));
        var shown = (await operate.RunAsync("dead-letters", "show", id.ToString(), "--reveal", "--json")).Json.GetProperty("message").GetRawText();
        var edited = await operate.RunWithAsync(shown.Replace("jane@wrong.example", "jane@right.example", StringComparison.Ordinal), "dead-letters", "edit", id.ToString(), "--queue", Error, "--message", "-", "--yes");

        edited.Code.ShouldBe(0, edited.ToString());
        edited.Output.ShouldContain("jane@right.example");
        system.Mail.Mails.ShouldHaveSingleItem().Recipients.ShouldBe(["jane@right.example"]);
        // The command reads the ledger; Web learns the outcome from an event.
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, id), status => status.State == "sent", "Web shows state sent");
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Replay_of_a_mail_that_was_already_sent_sends_nothing_and_the_dry_run_says_so(string type)
    {
        var (system, web) = await StartAsync(type);
        await using var s = system;
        var id = await WorkinItSystem.SubmitAsync(web, "jane@example.com", "hello");
        await system.SeeMailsAsync(1);
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, id), status => status.State == "sent", "the submission is sent");
        // As when the event could not be published and the message was dead-lettered after all.
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            messageId = id,
            messageType = new[] { "urn:message:WorkinIt.Contracts:SendGifEmail" },
            message = new { submissionId = id, emailAddress = "jane@example.com", thought = "hello", submittedAt = DateTimeOffset.UtcNow },
        });
        var properties = Orders.Faulted(id);
        properties.Headers!["MT-Fault-InputAddress"] = "rabbitmq://localhost/send-gif-email";
        await channel.BasicPublishAsync("", Error, mandatory: true, properties, body);
        await system.SeeReadyAsync(Error, 1);
        var operate = OperatorCommand.Of(system);

        (await operate.RunAsync("dead-letters", "replay", "--queue", Error, "--all", "--dry-run")).Output.ShouldContain("already sent at");
        var replayed = await operate.RunAsync("dead-letters", "replay", "--queue", Error, "--all", "--yes", "--json");
        replayed.Code.ShouldBe(0, replayed.ToString());
        Outcomes(replayed).ShouldBe(["handled"]);
        await system.SeeReadyAsync("send-gif-email", 0);
        (await system.VirtualHost.ReadyAsync(Error)).ShouldBe(0);
        system.Mail.MailCount.ShouldBe(1);
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Held_mails_wait_for_an_operator_to_send_them_again_or_to_close_them(string type)
    {
        var (system, web) = await StartAsync(type, ("Redelivery__Delays__0", "00:00:00.1"), ("Retry__Limit", "0"));
        await using var s = system;
        system.Mail.OnMail = mail => mail.Recipient is null ? null : SmtpBehaviour.CutAfterDot;
        var lost = await WorkinItSystem.SubmitAsync(web, "lost@example.com", "did not arrive");
        var arrived = await WorkinItSystem.SubmitAsync(web, "arrived@example.com", "did arrive");
        await system.SeeReadyAsync(Error, 2);
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, arrived), status => status.State == "held", "the submission is held");
        var operate = OperatorCommand.Of(system);

        var refused = await operate.RunAsync("dead-letters", "replay", "--queue", Error, "--all", "--yes", "--json");
        refused.Code.ShouldBe(1);
        refused.Json.GetProperty("refused").EnumerateArray().Select(one => one.GetProperty("why").GetString()).ShouldAllBe(why => why!.StartsWith("outcome unknown: it may have been sent (", StringComparison.Ordinal));
        await system.SeeReadyAsync(Error, 2);

        // Their evidence differs in time and Message-ID; it is one cause.
        (await operate.RunAsync("dead-letters", "replay", "--queue", Error, "--all", "--dry-run")).Output.Split('\n').Where(line => line.Contains(" refused: ", StringComparison.Ordinal))
            .ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.ShouldStartWith("  2 refused: outcome unknown"), it => it.ShouldContain("Message-ID …"));
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--all", "--dry-run")).Output.ShouldSatisfyAllConditions(
            it => it.ShouldContain("2 in send-gif-email_error: 2 would be moved, 0 refused."), it => it.ShouldContain("2 with a warning: outcome unknown: the mail may have been delivered"));

        // Sent again once, although its first attempt is deferred and the message returns through a delay queue.
        var attempts = 0;
        system.Mail.OnMail = mail => mail.Recipient is not null && Interlocked.Increment(ref attempts) == 1 ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 busy") : null;
        var sent = await operate.RunAsync("dead-letters", "replay", "--queue", Error, "--where", $"id={lost}", "--send-again", "--yes", "--json");
        sent.Code.ShouldBe(0, sent.ToString());
        Outcomes(sent).ShouldHaveSingleItem().ShouldBeOneOf("handled", "delayed"); // delayed: it took more than 3 s to return
        await system.SeeMailsAsync(1);
        system.Mail.Mails.ShouldHaveSingleItem().Recipients.ShouldBe(["lost@example.com"]);

        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--all", "--was-sent", "--dry-run")).ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain("1 in send-gif-email_error: 1 would be recorded as sent and moved, 0 refused."));
        var closed = await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--where", $"id={arrived}", "--was-sent", "--yes", "--json");
        closed.Code.ShouldBe(0, closed.ToString());
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, arrived), status => status.State == "sent", "the page shows state sent");
        await system.SeeReadyAsync("send-gif-email_discarded", 1);
        await system.SeeReadyAsync(Error, 0);
        system.Mail.MailCount.ShouldBe(1);

        (await operate.RunAsync("dead-letters", "restore", "--queue", Error, "--all", "--yes")).Code.ShouldBe(0);
        await system.SeeReadyAsync(Error, 1);
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Replayed_message_that_is_delayed_again_has_outcome_delayed_and_keeps_its_replay_stamp(string type)
    {
        var (system, web) = await StartAsync(type, ("Redelivery__Delays__0", "00:10:00"), ("Retry__Limit", "0"));
        await using var s = system;
        system.Mail.OnMail = mail => mail.Recipient is null ? null : SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown");
        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "later");
        await system.SeeReadyAsync(Error, 1);
        system.Mail.OnMail = mail => mail.Recipient is null ? null : SmtpBehaviour.Reply(SmtpStage.Rcpt, 450, "4.2.0 greylisted");

        var replayed = await OperatorCommand.Of(system).RunAsync("dead-letters", "replay", "--queue", Error, "--all", "--yes", "--json");

        replayed.Code.ShouldBe(0, replayed.ToString());
        Outcomes(replayed).ShouldBe(["delayed"]);
        await system.SeeReadyAsync("send-gif-email_delay_10m", 1); // the ledger records it before the message is in the queue
        var waiting = (await system.VirtualHost.TakeAllAsync("send-gif-email_delay_10m")).ShouldHaveSingleItem();
        Orders.Header(waiting, "Replay-Id")!.ShouldStartWith(replayed.Json.GetProperty("id").GetString()!);
    }

    [Fact]
    public async Task Replayed_message_that_waits_because_the_mail_server_is_not_asked_has_outcome_delayed_and_the_result_says_why()
    {
        var (system, web) = await StartAsync("classic", ("Smtp__Port", $"{Ports.TakeFree()}"), ("Retry__Limit", "0"), ("Redelivery__Delays__0", "00:10:00"));
        await using var s = system;
        for (var i = 0; i < 20; i++)
            await WorkinItSystem.SubmitAsync(web, $"jane{i}@example.com", "is anybody there?");
        await Eventually.SeeAsync(() => Task.FromResult(system.Logs), log => log.Contains("keeps failing", StringComparison.Ordinal), "the circuit breaker is open");
        var id = Guid.CreateVersion7();
        await DeadLetterPages.PutAsync(system.VirtualHost, Error, $$"""{"submissionId":"{{id}}","emailAddress":"jane@example.com","thought":"later"}""", "System.TimeoutException", "It took 30 s", id);
        using var ends = new CancellationTokenSource();
        var backlog = Task.Run(async () => // one of these tests the mail server now and then, not the replayed message
        {
            while (!ends.IsCancellationRequested)
                await WorkinItSystem.SubmitAsync(web, $"{Guid.NewGuid():N}@example.com", "backlog");
        }, CancellationToken.None);

        var replayed = await OperatorCommand.Of(system).RunAsync("dead-letters", "replay", "--queue", Error, "--where", $"id={id}", "--canary", "--yes");

        await ends.CancelAsync();
        await backlog;
        replayed.Output.ShouldSatisfyAllConditions(
            it => it.ShouldContain("Canary: delayed. The other messages were not moved"), it => it.ShouldContain("1 delayed"),
            it => it.ShouldContain("Reason for a delay: It is not sent yet, after 0 tries. Delayed without a try in replay"), it => it.ShouldContain("not asked"));
        replayed.Code.ShouldBe(1, replayed.ToString()); // a canary continues only after “handled”
    }

    [Fact]
    public async Task Dry_run_of_a_discard_as_sent_refuses_messages_whose_outcome_is_known_and_an_edit_of_the_submission_id_has_a_warning()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var (held, sent, failed) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        foreach (var id in new[] { held, sent, failed })
            await DeadLetterPages.PutAsync(system.VirtualHost, Error, $$"""{"submissionId":"{{id}}","emailAddress":"jane@example.com","thought":"hello"}""", "System.TimeoutException", "It took 30 s", id);
        await using (var ledger = new TestLedger(system))
        {
            await ledger.HoldAsync(held);
            await ledger.SendAsync(sent);
        }
        var operate = OperatorCommand.Of(system);

        var asSent = await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--all", "--was-sent", "--dry-run");
        asSent.ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(1, it.ToString()), it => it.Output.ShouldContain("3 in send-gif-email_error: 2 would be recorded as sent and moved, 1 refused."),
            it => it.Output.ShouldContain("1 refused: the ledger does not show an unknown outcome"));
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--all", "--dry-run", "--json")).Json.GetProperty("warnings").EnumerateArray()
            .Select(warning => (warning.GetProperty("text").GetString()![..8], warning.GetProperty("count").GetInt32())).ShouldBe([("outcome ", 1), ("sent at ", 1)], ignoreOrder: true);

        var changed = await EditAsync($$"""{"submissionId":"{{Guid.CreateVersion7()}}","emailAddress":"jane@example.com","thought":"hello"}""");
        changed.ShouldSatisfyAllConditions(
            it => it.ShouldContain("1 with a warning: the edit changes submissionId"), it => it.ShouldContain("Of the old id: It was sent at"),
            it => it.ShouldContain("The ledger has no record of the new id"), it => it.ShouldNotContain("no second mail is sent"));
        (await EditAsync($$"""{"submissionId":"{{sent}}","emailAddress":"ann@example.com","thought":"hello"}""")).ShouldSatisfyAllConditions(
            it => it.ShouldNotContain("the edit changes"), it => it.ShouldContain("no second mail is sent"));
        (await EditAsync("""{"emailAddress":"ann@example.com","thought":"hello"}""")).ShouldContain("no valid submissionId");

        async Task<string> EditAsync(string message) =>
            (await operate.RunWithAsync(message, "dead-letters", "edit", $"{sent}", "--queue", Error, "--message", "-", "--dry-run")).Output;
    }

    [Fact]
    public async Task Invalid_arguments_or_an_unreachable_broker_change_nothing_and_the_error_says_what_to_do()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        var operate = OperatorCommand.Of(system);
        foreach (var (arguments, error) in new (string[] Arguments, string Error)[]
        {
            (["dead-letters", "replay", "--queue", Error], "--where CONDITION, or all of them with --all"),
            (["dead-letters", "replay", "--queue", Error, "--all", "--where", "text=x"], "--where and --all can't be combined"),
            (["dead-letters", "replay", "--queue", Error, "--where", "color=red"], "Unknown condition “color”"),
            (["dead-letters", "replay", "--queue", Error, "--where", "since=yesterday"], "is not a time"),
            (["dead-letters", "replay", "--queue", Error, "--all", "--pace", "0"], "--pace must be a number of messages a second"),
            (["dead-letters", "replay", "--queue", Error, "--all", "--pace", "abc"], "“abc”"),
            (["dead-letters", "list", "--queue", Error, "--limit", "abc"], "“abc”"),
            (["dead-letters", "replay", "--queue", Error, "--all", "--wait", "soon"], "“soon” is not a duration"),
            (["dead-letters", "replay", "--queue", "nowhere_error", "--all"], "Queue \"nowhere_error\" not found"),
            (["dead-letters", "bury"], "'bury'.\nSee: workinit dead-letters --help"),
            (["dead-letters", "replay", "--colour"], "See: workinit dead-letters replay --help"),
        })
        {
            var result = await operate.RunAsync(arguments);
            result.Code.ShouldBe(2, result.ToString());
            result.Errors.ShouldContain(error);
        }
        (await operate.RunAsync("dead-letters", "replay", "--help")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(0), it => it.Output.ShouldContain("workinit dead-letters replay --where cause="));

        var settings = new Dictionary<string, string> { ["RabbitMqManagement__Url"] = "http://127.0.0.1:1", ["ConnectionStrings__RabbitMq"] = "amqp://replay:secret@127.0.0.1:1" };
        var unreachable = await new OperatorCommand(settings).RunAsync("dead-letters", "list");
        unreachable.ShouldSatisfyAllConditions(it => it.Code.ShouldBe(3), it => it.Errors.ShouldContain("unreachable at http://127.0.0.1:1"));
        (await new OperatorCommand(settings).RunAsync("dead-letters", "replay", "--queue", Error, "--all", "--yes")).ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(3), it => it.Errors.ShouldContain("unreachable at 127.0.0.1:1"), it => it.Errors.ShouldNotContain("secret"));
        settings["ConnectionStrings__RabbitMq"] = "localhost";
        (await new OperatorCommand(settings).RunAsync("dead-letters", "list")).Code.ShouldBe(2);
        settings["ConnectionStrings__RabbitMq"] = "";
        (await new OperatorCommand(settings).RunAsync("dead-letters", "list")).ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("ConnectionStrings__RabbitMq is not set"));
    }

    private static async Task<(WorkinItSystem System, ServiceProcess Web)> StartAsync(string type, params (string Name, string Value)[] settings)
    {
        var (system, web, _) = await WorkinItSystem.StartAsync([("DeadLetterQueues__Type", type), .. settings]);
        return (system, web);
    }

    private static IEnumerable<string?> Outcomes(CommandResult replayed) =>
        replayed.Json.GetProperty("outcomes").EnumerateArray().Select(message => message.GetProperty("outcome").GetString());
}
