using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>The command <c>workinit erase</c>, run as the RabbitMQ user replay while both services run.</summary>
public sealed class ErasureTests
{
    private const string Error = "send-gif-email_error";
    private const string Discarded = "send-gif-email_discarded";

    [Fact]
    public async Task Erasure_removes_what_the_catalogue_keeps_also_of_letters_that_have_left_their_queue()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(system);
        var file = Path.Combine(system.Folder, "dead-letters.db");
        var (web, _) = await system.StartServicesAsync(("ConnectionStrings__Catalogue", $"Data Source={file}"));
        system.Mail.OnMail = _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown");
        await WorkinItSystem.SubmitAsync(web, "jane@people.example", "a private thought that was discarded");
        await WorkinItSystem.SubmitAsync(web, "john@people.example", "a thought of somebody else");
        await system.SeeReadyAsync(Error, 2);
        var operate = OperatorCommand.Of(system, ("ConnectionStrings__Catalogue", $"Data Source={file}"));
        await SeeAsync(count => count == 2, "both letters are in the catalogue");
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--where", "text=jane@people.example", "--yes")).Code.ShouldBe(0);
        (await operate.RunAsync("dead-letters", "restore", "--queue", Discarded, "--all", "--yes")).Code.ShouldBe(0);
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--where", "text=private", "--yes")).Code.ShouldBe(0);
        await SeeAsync(count => count == 3, "the discarded letter is in the catalogue twice");
        await SeeAsync(_ => Query("SELECT count(*) FROM catalogue_text WHERE text LIKE '%private%'") > 0, "its text can be searched");

        var dry = await operate.RunAsync("erase", "--recipient", "jane@people.example", "--no-block", "--dry-run", "--json");
        dry.Json.GetProperty("catalogueLetters").GetInt64().ShouldBe(2);
        dry.Json.GetProperty("catalogueAuditEntries").GetInt32().ShouldBe(1);
        var erased = await operate.RunAsync("erase", "--recipient", "jane@people.example", "--no-block", "--yes", "--json");
        erased.Code.ShouldBe(0, erased.ToString());
        erased.Json.GetProperty("catalogueAuditEntries").GetInt32().ShouldBe(1);
        Query("SELECT count(*) FROM catalogue_audit WHERE entry LIKE '%people.example%'").ShouldBe(0);
        await SeeAsync(count => count == 1, "only the other letter is in the catalogue");
        Query("SELECT count(*) FROM catalogue_bodies").ShouldBe(1);
        Query("SELECT count(*) FROM catalogue_text WHERE text LIKE '%private%'").ShouldBe(0);
        foreach (var part in new[] { file, file + "-wal" }.Where(File.Exists))
            (await Eventually.SeeAsync(() => Task.FromResult(ReadShared(part)), content => !content.Contains("private thought", StringComparison.Ordinal), $"no copy in {part}")).ShouldNotContain("jane@people");

        long Query(string sql)
        {
            using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=false");
            connection.Open();
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // our own text
            command.CommandText = sql;
#pragma warning restore CA2100
            return (long)command.ExecuteScalar()!;
        }

        Task<long> SeeAsync(Func<long, bool> isSeen, string what) => Eventually.SeeAsync(() => Task.FromResult(File.Exists(file) ? Query("SELECT count(*) FROM catalogue_letters") : 0), isSeen, what, TimeSpan.FromSeconds(40));

        static string ReadShared(string path)
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            return reader.ReadToEnd();
        }
    }

    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    public async Task Erasure_removes_all_data_of_a_recipient_and_keeps_that_of_others(string database)
    {
        await using var postgres = database == "PostgreSQL" ? await PostgresServer.CreateAsync() : null;
        var (system, web, _) = await WorkinItSystem.StartAsync(postgres is null
            ? [] : [("ConnectionStrings__Submissions", postgres.ConnectionString), ("ConnectionStrings__Deliveries", postgres.ConnectionString)]);
        await using var s = system;
        var operate = OperatorCommand.Of(system);

        var sent = await WorkinItSystem.SubmitAsync(web, "jane@people.example", "a private thought, sent");
        await system.SeeMailsAsync(1);
        system.Mail.OnMail = _ => SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown");
        var failed = await WorkinItSystem.SubmitAsync(web, "jane@people.example", "a private thought, failed");
        var edited = await WorkinItSystem.SubmitAsync(web, "Jane+gifs@People.example", "a private thought, edited");
        var discarded = await WorkinItSystem.SubmitAsync(web, "jane@people.example", "a private thought, discarded");
        var others = await WorkinItSystem.SubmitAsync(web, "john@people.example", "about jane@people.example");
        await system.SeeReadyAsync(Error, 4);
        (await operate.RunAsync("dead-letters", "discard", "--queue", Error, "--where", $"id={discarded}", "--yes")).Code.ShouldBe(0);
        var message = (await operate.RunAsync("dead-letters", "show", edited.ToString(), "--queue", Error, "--reveal", "--json")).Json.GetProperty("message").GetRawText();
        (await operate.RunWithAsync(message.Replace("edited", "edited again", StringComparison.Ordinal), "dead-letters", "edit", edited.ToString(), "--queue", Error, "--message", "-", "--yes"))
            .Code.ShouldBe(1); // refused again
        (await operate.RunAsync("dead-letters", "export", "--queue", Error, "--where", "text=jane@people.example", "--output", Path.Combine(system.Folder, "export.jsonl"))).Code.ShouldBe(0);
        await system.SeeReadyAsync(Error, 3);
        await AddAsync(system, "{ \"message\": { \"emailAddress\": \"jane@people.example\", \"thought\": \"a private thought, cut");
        await AddAsync(system, """{ "message": { "\ud83d": 1, "emailAddress": "jane@people.example", "thought": "a private thought, half an emoji in a name" } }""");
        await system.SeeReadyAsync(Error, 5);

        var dry = await EraseAsync("--dry-run");
        dry.Code.ShouldBe(0, dry.ToString());
        dry.Json.GetProperty("submissions").GetInt32().ShouldBe(4);
        (await system.VirtualHost.ReadyAsync(Error)).ShouldBe(5);
        (await StatusAsync(sent)).ShouldBe(HttpStatusCode.OK);
        (await operate.RunAsync("erase", "--recipient", "jane@people.example")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain("pass --yes"));

        await using (var held = await LockAsync(system, Error))
        {
            var locked = await EraseAsync("--yes");
            locked.Code.ShouldBe(1, locked.ToString());
            locked.Json.GetProperty("problems").EnumerateArray().Select(it => it.GetString()).ShouldHaveSingleItem()!.ShouldContain("Another operation is running on this queue");
            (await system.VirtualHost.ReadyAsync(Error)).ShouldBe(5);
        }

        var done = await EraseAsync("--yes");
        done.Code.ShouldBe(0, done.ToString());
        done.Json.GetProperty("blocked").GetBoolean().ShouldBeTrue();
        done.Json.GetProperty("submissions").GetInt32().ShouldBe(0); // the locked attempt already removed them
        Count(done, Error).ShouldBe(4);
        (await system.VirtualHost.ReadyAsync(Error)).ShouldBe(1);
        (await system.VirtualHost.ReadyAsync(Discarded)).ShouldBe(0);
        var left = (await system.VirtualHost.TakeAllAsync(Error)).ShouldHaveSingleItem();
        left.BasicProperties.MessageId.ShouldBe(others.ToString());

        foreach (var id in new[] { sent, failed, edited, discarded })
            (await StatusAsync(id)).ShouldBe(HttpStatusCode.NotFound);
        (await StatusAsync(others)).ShouldBe(HttpStatusCode.OK);
        foreach (var file in Directory.EnumerateFiles(system.Folder).Where(file => !file.EndsWith("export.jsonl", StringComparison.Ordinal)))
        {
            var text = Encoding.UTF8.GetString(await ReadAsync(file));
            text.Contains("private thought", StringComparison.OrdinalIgnoreCase).ShouldBeFalse(file);
            if (file.EndsWith("audit.jsonl", StringComparison.Ordinal))
                text.Contains("people.example", StringComparison.OrdinalIgnoreCase).ShouldBeFalse(text);
        }
        var verbs = (await operate.RunAsync("dead-letters", "audit", "--json")).Json.EnumerateArray().Select(entry => entry.GetProperty("verb").GetString()).ToList();
        verbs.Count(verb => verb == "remove").ShouldBe(2); // one for each queue
        verbs.ShouldContain("edit"); // the audit still shows that an edit was made

        system.Mail.OnMail = null;
        var late = await WorkinItSystem.SubmitAsync(web, "jane@people.example", "after it");
        await Eventually.SeeAsync(() => WorkinItSystem.StatusAsync(web, late), it => it.State == "failed", "no mail after an erasure");
        system.Mail.MailCount.ShouldBe(1);
        (await system.VirtualHost.ReadyAsync(Error)).ShouldBe(0); // the test took the other message above
        (dry.ToString() + done + system.Logs).ShouldNotContain("jane", Case.Insensitive);

        Task<CommandResult> EraseAsync(string option) => operate.RunWithAsync("jane@people.example\n", "erase", "--recipient", "-", "--json", option);
        async Task<HttpStatusCode> StatusAsync(Guid id)
        {
            using var answer = await web.Http.GetAsync($"/api/submissions/{id}");
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Erasure_finds_every_spelling_of_the_address_in_bodies_and_headers_and_keeps_the_messages_of_others()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        string[] spellings =
        [
            "jane＠people.example", "jane%40people.example", "Jane <JANE@people.example>", "{jane@people.example}", "\\\"jane\\\"@people.example", "jane\\u002Bgifs\\u0040people.example",
        ];
        foreach (var (spelling, number) in spellings.Select((text, index) => (text, index)))
        {
            await AddAsync(system, $$$"""{"message":{"emailAddress":"{{{spelling}}}","thought":"private"}}""", $"field {number}");
            await AddAsync(system, $"not JSON, for {spelling}.", $"text {number}");
            await AddAsync(system, $$$"""{"message":{"emailAddress":"{{{spelling}}}","thought":"cut in an escape \u00""", $"cut {number}");
            await AddAsync(system, "no address here", $"header {number}", ("MT-Fault-Message", $"550 5.1.1 {spelling} is unknown"));
        }
        await AddAsync(system, """{"payload":"{\"message\":{\"emailAddress\":\"jane\\u0040people.example\"}}"}""", "JSON within JSON");
        await AddAsync(system, """{"message":{"emailAddress":"notjane＠people.example","thought":"hello"}}""", "other: name");
        await AddAsync(system, "for not-jane%40people.example and jane@people.example.org", "other: text");
        await AddAsync(system, """{"message":{"emailAddress":"john@people.example","thought":"about jane＠people.example"}}""", "other: thought", ("MT-Fault-Message", "552 jane@people.example"));
        await AddAsync(system, "no address here", "other: operator", ("Replay-By", "jane@people.example"));
        await system.SeeReadyAsync(Error, 4 * spellings.Length + 5);

        var done = await OperatorCommand.Of(system).RunWithAsync("jane＠people.example\n", "erase", "--recipient", "-", "--json", "--yes");

        done.Code.ShouldBe(0, done.ToString());
        var left = (await system.VirtualHost.TakeAllAsync(Error)).Select(message => message.BasicProperties.MessageId).Order(StringComparer.Ordinal);
        left.ShouldBe(["other: name", "other: operator", "other: text", "other: thought"]);
        Count(done, Error).ShouldBe(4 * spellings.Length + 1);
    }

    [Theory]
    [InlineData("jane", "--recipient must be one e-mail address")]
    [InlineData("jane@people.example, john@people.example", "--recipient must be one e-mail address")]
    public async Task Erase_command_accepts_exactly_one_email_address(string recipient, string error)
    {
        await using var system = await WorkinItSystem.CreateAsync();
        (await OperatorCommand.Of(system).RunAsync("erase", "--recipient", recipient, "--yes")).ShouldSatisfyAllConditions(it => it.Code.ShouldBe(2), it => it.Errors.ShouldContain(error));
    }

    [Fact]
    public async Task Erase_command_names_the_setting_of_an_unavailable_database()
    {
        await using var system = await WorkinItSystem.CreateAsync(); // the databases are not migrated
        var failed = await OperatorCommand.Of(system).RunAsync("erase", "--recipient", "jane@people.example", "--yes");
        failed.Code.ShouldBe(3, failed.ToString());
        failed.Errors.ShouldContain("ConnectionStrings__Submissions");
    }

    [Fact]
    public async Task Cancelled_erasure_reports_what_is_done_and_asks_to_run_it_again()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.MigrateAsync();
        using var unresponsive = new TcpListener(IPAddress.Loopback, 0);
        unresponsive.Start();
        using var erase = OperatorCommand.Of(system, ("RabbitMqManagement__Url", $"http://{unresponsive.LocalEndpoint}")).Start("erase", "--recipient", "jane@people.example", "--yes");
        using var connection = await unresponsive.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60)); // the command asks the management API after the store and the ledger

        using (var interrupt = Process.Start("kill", ["-TERM", erase.Id.ToString(CultureInfo.InvariantCulture)]))
            await interrupt.WaitForExitAsync();

        await erase.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        erase.ExitCode.ShouldBe(1);
        (await erase.StandardError.ReadToEndAsync()).ShouldSatisfyAllConditions(it => it.ShouldContain("Interrupted: the address is on the suppression list"), it => it.ShouldContain("Run this again"));
    }

    private static long Count(CommandResult result, string queue) =>
        result.Json.GetProperty("deadLetters").EnumerateArray().Single(it => it.GetProperty("queue").GetString() == queue).GetProperty("count").GetInt64();

    // Puts a damaged body into the dead-letter queue, such as a tool leaves that truncates bodies.
    private static async Task AddAsync(WorkinItSystem system, string body, string id = "cut", params (string Name, string Value)[] headers)
    {
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        var properties = new BasicProperties { MessageId = id, Headers = headers.ToDictionary(header => header.Name, header => (object?)header.Value) };
        await channel.BasicPublishAsync("", Error, mandatory: true, properties, Encoding.UTF8.GetBytes(body));
    }

    private static async Task<IConnection> LockAsync(WorkinItSystem system, string queue)
    {
        var factory = new ConnectionFactory { Uri = new Uri(system.VirtualHost.ConnectionString("replay")), AutomaticRecoveryEnabled = false };
        var connection = await factory.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync($"dead-letters-lock:{queue}", durable: false, exclusive: true, autoDelete: false);
        return connection;
    }

    private static async Task<byte[]> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        await stream.CopyToAsync(content);
        return content.ToArray();
    }
}
