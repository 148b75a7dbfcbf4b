using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Dev;
using WorkinIt.Gifs;
using WorkinIt.Messaging;
using WorkinIt.SignIn;
using WorkinIt.Storage;
using WorkinIt.Testbed;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Settings;

public sealed partial class SettingsTests
{
    /// <summary>One setting of each kind: missing, out of range, of the wrong type, in a list, and a connection string.</summary>
    [Theory]
    [InlineData("Smtp__Host", "")]
    [InlineData("Smtp__Port", "abc")]
    [InlineData("Smtp__From", "")]
    [InlineData("Smtp__Security", "7")]
    [InlineData("Retry__Limit", "99")]
    [InlineData("Redelivery__Delays__0", "never")]
    [InlineData("Redelivery__Delays__0", "2.00:00:00")]
    [InlineData("Giphy__BaseUrl", "giphy")]
    [InlineData("Logging__Format", "xml")]
    [InlineData("ConnectionStrings__RabbitMq", "localhost")]
    [InlineData("ConnectionStrings__RabbitMq", "")]
    [InlineData("ConnectionStrings__Deliveries", "somewhere")]
    [InlineData("ConnectionStrings__Deliveries", "")]
    [InlineData("OptOut__Secret", "")]
    [InlineData("OptOut__Url", "")]
    public async Task Invalid_setting_of_Consumers_stops_the_start_with_a_line_that_names_it(string setting, string value) =>
        await ShouldStopAsync("Consumers", setting, value);

    [Theory]
    [InlineData("ConnectionStrings__Submissions", "")]
    [InlineData("ConnectionStrings__RabbitMq", "")]
    [InlineData("ConnectionStrings__Deliveries", "")]
    [InlineData("OptOut__Secret", "too short to be one")]
    [InlineData("OptOut__Secret", "")]
    [InlineData("RabbitMqManagement__Url", "http://localhost:15672")] // without ConnectionStrings__DeadLetters
    [InlineData("Submissions__KeepFor", "00:00:01")]
    [InlineData("Submissions__PublishTimeout", "00:00:00")]
    [InlineData("Submissions__UnconfirmedLimit", "00:00:01")]
    [InlineData("Submissions__MissingAfter", "00:00:01")]
    [InlineData("DataProtection__KeysDirectory", "/proc/keys-of-web")]
    public async Task Invalid_setting_of_Web_stops_the_start_with_a_line_that_names_it(string setting, string value) =>
        await ShouldStopAsync("Web", setting, value);

    [Theory]
    [InlineData("", 30)]
    [InlineData("49.00:00:00", 49)]
    [InlineData("50.00:00:00", null)] // longer than the broker accepts
    [InlineData("a month", null)]
    public void Retention_of_discarded_messages_follows_its_setting(string value, int? days)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:DeadLetters"] = "amqp://replay:a#b@localhost",
            ["RabbitMqManagement:Url"] = "http://localhost:15672",
            ["DeadLetters:AuditFile"] = "audit.jsonl",
            ["DeadLetters:DiscardedLife"] = value,
        }).Build();
        if (days is { } kept)
            DeadLetterSettings.Read(configuration)!.Broker.DiscardedLife.ShouldBe(TimeSpan.FromDays(kept));
        else
            Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(configuration)).Message.ShouldContain("DeadLetters__DiscardedLife");
    }

    [Theory]
    [InlineData("", 600)]
    [InlineData("1", 1)]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("many", null)]
    public void Limit_of_an_API_token_follows_its_setting(string value, int? limit)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:DeadLetters"] = "amqp://replay:a#b@localhost",
            ["RabbitMqManagement:Url"] = "http://localhost:15672",
            ["DeadLetters:AuditFile"] = "audit.jsonl",
            ["DeadLetters:TokenRequestsPerMinute"] = value,
        }).Build();
        if (limit is { } requests)
            DeadLetterSettings.Read(configuration)!.TokenRequestsPerMinute.ShouldBe(requests);
        else
            Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(configuration)).Message.ShouldContain("DeadLetters__TokenRequestsPerMinute");
    }

    [Theory]
    [InlineData("", "/data/audit.jsonl", "/data/audit.jsonl")]
    [InlineData("Host=db;Database=letters", "/data/audit.jsonl", "/data/audit.jsonl")]
    [InlineData("Host=db;Database=letters", "", null)] // the audit log is in the catalogue
    public void Audit_file_of_Web_on_PostgreSQL_is_not_required_with_a_catalogue(string catalogue, string file, string? path)
    {
        var configuration = Catalogue(catalogue, "", "");
        (configuration["DeadLetters:AuditFile"], configuration["ConnectionStrings:Submissions"]) = (file, "Host=db;Database=submissions");
        DeadLetterSettings.Read(configuration)!.AuditFile.ShouldBe(path);
        configuration["ConnectionStrings:Catalogue"] = configuration["DeadLetters:AuditFile"] = "";
        Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(configuration)).Message.ShouldContain("DeadLetters__AuditFile is not set");
    }

    [Theory]
    [InlineData("Data Source=dead-letters.db", "", "", true, 30)]
    [InlineData("Host=db;Database=letters", "false", "7.00:00:00", false, 7)]
    public void Catalogue_of_dead_letters_follows_its_settings(string connection, string bodies, string retention, bool kept, int days)
    {
        var catalogue = DeadLetterSettings.Read(Catalogue(connection, bodies, retention))!.Catalogue!;
        catalogue.Bodies.ShouldBe(kept);
        catalogue.Retention.ShouldBe(TimeSpan.FromDays(days));
    }

    [Fact]
    public void Without_its_connection_string_there_is_no_catalogue() =>
        DeadLetterSettings.Read(Catalogue("", "", ""))!.Catalogue.ShouldBeNull();

    [Theory]
    [InlineData("dead-letters.db", "", "", "ConnectionStrings__Catalogue")]
    [InlineData("Data Source=dead-letters.db", "no bodies", "", "Catalogue__Bodies")]
    [InlineData("Data Source=dead-letters.db", "", "-1.00:00:00", "Catalogue__Retention")]
    public void Wrong_setting_of_the_catalogue_is_named(string connection, string bodies, string retention, string setting) =>
        Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(Catalogue(connection, bodies, retention))).Message.ShouldContain(setting);

    [Fact]
    public void Sources_of_dead_letters_follow_their_settings_and_share_the_other_ones()
    {
        var settings = DeadLetterSettings.Read(Sources(
            ("billing:ConnectionString", "amqp://jane:secret@rabbit-2:5673/billing"), ("billing:Management", "http://rabbit-2:15673"), ("eu.orders:ConnectionString", "amqp://replay:secret@localhost/eu")))!;

        var (billing, orders) = (settings.Sources[0], settings.Sources[1]);
        (billing.Name, billing.Broker.VirtualHost, billing.Broker.Endpoints[0].Port, billing.Broker.Username, billing.Broker.Management).ShouldBe(("billing", "billing", 5673, "jane", new Uri("http://rabbit-2:15673")));
        (orders.Name, orders.Broker.VirtualHost, orders.Broker.Management).ShouldBe(("eu.orders", "eu", new Uri("http://localhost:15672"))); // of the same broker
        settings.Sources.ShouldAllBe(source => source.Broker.DiscardedLife == TimeSpan.FromDays(7) && source.Broker.Names.Contains("orders.dlq"));
    }

    [Theory]
    [InlineData("billing:ConnectionString", "localhost", "DeadLetters__Sources__billing__ConnectionString can't be read")]
    [InlineData("billing:Management", "http://localhost:15672", "DeadLetters__Sources__billing__ConnectionString can't be read")] // alone
    [InlineData("billing", "amqp://jane:sesame@localhost/billing", "DeadLetters__Sources__billing__ConnectionString can't be read")] // without the last part of its name
    public void Wrong_setting_of_a_source_is_named_without_showing_secrets(string setting, string value, string error)
    {
        var message = Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(Sources((setting, value)))).Message;
        message.ShouldContain(error);
        message.ShouldNotContain("sesame");
    }

    [Fact]
    public void Address_of_the_management_API_of_a_source_is_checked() =>
        Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(Sources(("billing:ConnectionString", "amqp://jane:secret@localhost/billing"), ("billing:Management", "localhost:15672"))))
            .Message.ShouldContain("DeadLetters__Sources__billing__Management must be a URL");

    [Fact]
    public void Sources_without_the_first_one_are_an_error_and_not_ignored() =>
        Should.Throw<OptionsValidationException>(() => DeadLetterSettings.Read(new ConfigurationBuilder().AddInMemoryCollection([new("DeadLetters:Sources:billing:ConnectionString", "amqp://jane:secret@localhost/billing")]).Build()))
            .Message.ShouldContain("DeadLetters__Sources is set, but ConnectionStrings__DeadLetters is not");

    [Theory]
    [InlineData("Consumers", "--deploy-topology", "ConnectionStrings__RabbitMq")]
    [InlineData("Consumers", "--migrate", "ConnectionStrings__Deliveries")]
    [InlineData("Web", "--migrate", "ConnectionStrings__Submissions")]
    [InlineData("Cli", "dead-letters list", "ConnectionStrings__RabbitMq")]
    public async Task Command_without_its_connection_string_stops_with_a_line_that_names_it(string project, string command, string setting) =>
        await ShouldStopAsync(project, setting, "", command.Split(' '));

    [Theory]
    [InlineData("Consumers", "ConnectionStrings__Deliveries", "Host=127.0.0.1;Port=1;Database=deliveries;Username=jane;Password=secret")]
    [InlineData("Web", "ConnectionStrings__Submissions", "Host=127.0.0.1;Port=1;Database=submissions;Username=jane;Password=secret")]
    [InlineData("Web", "ConnectionStrings__Submissions", "Data Source=/proc/nowhere/submissions.db")]
    public async Task Migration_of_an_unusable_database_ends_with_a_line_that_says_what_to_check(string project, string setting, string value) =>
        await ShouldEndAsync(1, project, setting, value, "--migrate");

    /// <summary>The passwords of dev/definitions.json: a password built into a service would be valid in production too.</summary>
    [Fact]
    public void No_source_file_contains_a_development_password()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".cshtml" or ".razor" or ".json" or ".js" or ".csproj").ToList();
        sources.Count.ShouldBeGreaterThan(100);
        foreach (var file in sources)
            DevelopmentPassword().Match(File.ReadAllText(file)).Value.ShouldBeEmpty(file);
        DevelopmentPassword().IsMatch("amqp://web:web@localhost").ShouldBeTrue();
        DevelopmentPassword().IsMatch("Password = \"operator\"").ShouldBeTrue();
    }

    [Theory]
    [InlineData("Smtp__Host", " ")]
    [InlineData("Smtp__Port", "0")]
    [InlineData("Smtp__Security", "Perhaps")]
    [InlineData("Smtp__Security", "7")]
    [InlineData("Smtp__Username", "without a password")]
    [InlineData("Smtp__SimulatedDelay", "soon")]
    [InlineData("Consumer__PrefetchCount", "0")]
    [InlineData("Redelivery__Delays__0", "1.00:00:01")]
    [InlineData("Redelivery__Delays__0", "never")]
    [InlineData("Giphy__BaseUrl", "")]
    [InlineData("Giphy__BaseUrl", "localhost:8080")]
    [InlineData("ConnectionStrings__RabbitMq", "")]
    [InlineData("ConnectionStrings__RabbitMq", "amqp://web:sesame@")]
    [InlineData("Submissions__KeepFor", "-1.00:00:00")]
    public void Invalid_setting_is_named_without_showing_secrets(string setting, string value)
    {
        var error = ValidationErrors((setting, value)).ShouldHaveSingleItem();
        error.ShouldContain(setting.Split("__0")[0]);
        error.ShouldNotContain("sesame");
    }

    [Fact]
    public void All_invalid_settings_are_reported_together() =>
        ValidationErrors(("Smtp__Port", "0"), ("Smtp__Connections", "0"), ("Retry__Limit", "99")).Count.ShouldBe(3);

    [Theory]
    [InlineData("Redelivery__Delays__0", "00:00:00.1")]
    [InlineData("Redelivery__Delays__0", "1.00:00:00")]
    [InlineData("Giphy__BaseUrl", "http://127.0.0.1:8080/giphy/")]
    [InlineData("Giphy__ApiKey", "")]
    [InlineData("Smtp__Security", "tls")]
    [InlineData("Smtp__From", "WorkinIt <gifs@example.com>")]
    [InlineData("Retry__Limit", "0")]
    [InlineData("ConnectionStrings__RabbitMq", "amqps://web:secret@a,b:5670,c/x")]
    public void Valid_setting_is_accepted(string setting, string value) => ValidationErrors((setting, value)).ShouldBeEmpty();

    [Theory]
    [InlineData("Data Source=somewhere.db", true)]
    [InlineData("Host=db.example;Username=web;Password=sesame;Database=workinit", false)]
    public void Database_kind_is_detected_from_the_connection_string(string text, bool isSqlite)
    {
        Database.TryParse(text, out var database, out _).ShouldBeTrue();
        database!.IsSqlite.ShouldBe(isSqlite);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("somewhere.db")]
    [InlineData("Data Source=")]
    [InlineData("Data Source=x.db;Mode=Perhaps;Password=sesame")]
    [InlineData("Data Source=x.db;Nonsense=sesame")]
    [InlineData("Host=")]
    [InlineData("Host=db.example;Password=sesame;Port=abc")]
    [InlineData("Host=db.example;Password=sesame;Nonsense=1")]
    [InlineData("Password=sesame;\"")]
    public void Invalid_database_connection_string_is_rejected_without_repeating_the_password(string? text)
    {
        Database.TryParse(text, out _, out var error).ShouldBeFalse();
        error.ShouldNotBeNull().ShouldNotContain("sesame");
    }

    [Theory]
    [InlineData("amqp://web:secret@localhost", "amqp://localhost:5672")]
    [InlineData("amqps://web:secret@broker.example/production", "amqps://broker.example:5671/production")]
    [InlineData("amqp://web:secret@a:1,b:2,c/x%2Fy", "amqp://a:1,b:2,c:5672/x/y")]
    [InlineData("AMQPS://web:secret@a, b/", "amqps://a:5671,b:5671")]
    [InlineData("amqp://web:secret@[::1]:5673/", "amqp://[::1]:5673")]
    public void RabbitMQ_connection_string_names_nodes_and_virtual_host(string text, string shown)
    {
        RabbitMqConnection.TryParse(text, out var connection, out _).ShouldBeTrue();
        connection!.ToString().ShouldBe(shown);
        connection.Username.ShouldBe("web");
        connection.Password.ShouldBe("secret");
    }

    [Fact]
    public void RabbitMQ_password_may_contain_characters_escaped_in_the_URI()
    {
        RabbitMqConnection.TryParse("amqp://web:p%40ss%3Aw%2Ford@localhost", out var connection, out _).ShouldBeTrue();
        connection!.Password.ShouldBe("p@ss:w/ord");
    }

    [Theory]
    [InlineData("http://web:secret@localhost")]
    [InlineData("amqp://secret@localhost")]
    [InlineData("amqp://web:secret@")]
    [InlineData("amqp://web:secret@a b")]
    [InlineData("amqp://web:secret@localhost:99999")]
    [InlineData("amqp://web:secret@localhost:abc")]
    [InlineData("amqp://web:secret@a,")]
    [InlineData("amqp://web:secret@a,,b")]
    [InlineData("amqp://web:se/secret@localhost")]
    [InlineData("amqp://:secret@localhost")]
    [InlineData("amqp://web:@secret")]
    [InlineData("")]
    [InlineData(null)]
    public void Invalid_RabbitMQ_connection_string_is_rejected_without_repeating_the_password(string? text)
    {
        RabbitMqConnection.TryParse(text, out _, out var error).ShouldBeFalse();
        error.ShouldNotBeNull().ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("00:00:30", "send-gif-email_delay_30s")]
    [InlineData("00:05:00", "send-gif-email_delay_5m")]
    [InlineData("06:00:00", "send-gif-email_delay_6h")]
    [InlineData("1.00:00:00", "send-gif-email_delay_24h")]
    [InlineData("00:01:30", "send-gif-email_delay_90s")]
    [InlineData("00:00:00.2500000", "send-gif-email_delay_250ms")]
    public void Delay_queue_is_named_after_its_delay(string delay, string name) =>
        DelayQueues.Name(TimeSpan.Parse(delay, System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(name);

    [Theory]
    [InlineData("3.10.8", null)]
    [InlineData("4.0.5", -1)]
    [InlineData("4.3.6", -1)]
    public void Reading_a_delay_queue_costs_no_delivery_on_any_RabbitMQ_version(string broker, int? limit) =>
        DelayQueues.Arguments(TimeSpan.FromSeconds(1), Version.Parse(broker)).GetValueOrDefault("x-delivery-limit").ShouldBe(limit);

    [Theory]
    [InlineData("3.10.8", null)]
    [InlineData("4.0.5", -1)]
    [InlineData("4.3.6", -1)]
    public void Quorum_dead_letter_queue_has_no_delivery_limit_on_any_RabbitMQ_version(string broker, int? limit) =>
        QueueTopology.DeadLetterQueueArguments(DeadLetterQueueType.Quorum, Version.Parse(broker)).ShouldSatisfyAllConditions(
            it => it["x-queue-type"].ShouldBe("quorum"),
            it => it.GetValueOrDefault("x-delivery-limit").ShouldBe(limit));

    [Fact]
    public void Delayed_message_returns_to_the_input_queue_and_is_never_dropped() =>
        DelayQueues.Arguments(TimeSpan.FromMinutes(5), new Version(4, 3, 6)).ShouldBe(
            new Dictionary<string, object?>
            {
                ["x-queue-type"] = "quorum",
                ["x-message-ttl"] = 300_000L,
                ["x-dead-letter-exchange"] = "send-gif-email",
                ["x-dead-letter-strategy"] = "at-least-once",
                ["x-overflow"] = "reject-publish",
                ["x-delivery-limit"] = -1,
            },
            ignoreOrder: true);

    [Fact]
    public void Default_redelivery_has_five_delays() =>
        new RedeliveryOptions().Steps.Select(DelayQueues.Name).ShouldBe(
            ["send-gif-email_delay_30s", "send-gif-email_delay_5m", "send-gif-email_delay_30m", "send-gif-email_delay_2h", "send-gif-email_delay_6h"]);

    private static IConfiguration Sources(params (string Setting, string Value)[] sources) => new ConfigurationBuilder()
        .AddInMemoryCollection([new("ConnectionStrings:DeadLetters", "amqp://replay:secret@localhost"), new("RabbitMqManagement:Url", "http://localhost:15672"),
            new("DeadLetters:AuditFile", "audit.jsonl"), new("DeadLetters:DiscardedLife", "7.00:00:00"), new("DeadLetters:Queues", "*.dlq")])
        .AddInMemoryCollection(sources.Select(it => KeyValuePair.Create<string, string?>($"DeadLetters:Sources:{it.Setting}", it.Value))).Build();

    /// <summary>Validates the registrations of both services as the host does at startup.</summary>
    private static IReadOnlyList<string> ValidationErrors(params (string Setting, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:RabbitMq", "amqp://web:web@127.0.0.1:1"), new("Smtp:Host", "127.0.0.1"), new("Smtp:From", "gifs@workinit.example"),
                new("OptOut:Secret", WorkinItSystem.OptOutSecret), new("OptOut:Url", "https://gifs.example.com")])
            .AddInMemoryCollection(settings.Select(it => KeyValuePair.Create<string, string?>(it.Setting.Replace("__", ":", StringComparison.Ordinal), it.Value)))
            .Build();
        var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(configuration).AddGifs().AddMail().AddGifEmails();
        services.AddOptions<SubmissionOptions>().BindConfiguration("Submissions").ValidateDataAnnotations().ValidateOnStart();
        using var provider = services.BuildServiceProvider();
        try
        {
            provider.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (OptionsValidationException e)
        {
            return [.. e.Failures];
        }
        catch (AggregateException e)
        {
            return [.. e.InnerExceptions.Cast<OptionsValidationException>().SelectMany(failure => failure.Failures)];
        }
        catch (InvalidOperationException e) // thrown by the binder; for a list, the inner exception names the element
        {
            return [(e.InnerException as InvalidOperationException ?? e).Message.Replace(":", "__", StringComparison.Ordinal)];
        }
    }

    private static Task ShouldStopAsync(string service, string setting, string value, params string[] arguments) =>
        ShouldEndAsync(2, service, setting, value, arguments);

    private static async Task ShouldEndAsync(int code, string service, string setting, string value, params string[] arguments)
    {
        // ./test uses the services that it published, because its other parts rebuild the artifacts meanwhile.
        var built = Environment.GetEnvironmentVariable("WORKINIT_TEST_BIN") is { Length: > 0 } published
            ? Path.Combine(published, service)
            : Path.Combine(Repository.Root, "artifacts", "bin", service, "release");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(built, $"WorkinIt.{service}.dll"), .. arguments])
        {
            RedirectStandardInput = true, // at a terminal, a command would ask its user
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, usual) in new[]
        {
            ("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("ConnectionStrings__RabbitMq", "amqp://web:web@127.0.0.1:1"),
            ("ConnectionStrings__Submissions", "Data Source=/nowhere/at/all.db"), ("ConnectionStrings__Deliveries", "Data Source=/nowhere/at/all.db"),
            ("Smtp__Host", "127.0.0.1"), ("Smtp__From", "gifs@workinit.example"), ("OptOut__Secret", WorkinItSystem.OptOutSecret), ("OptOut__Url", "https://gifs.example.com"), (setting, value),
        })
            start.Environment[name] = usual;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{service} did not stop within 60 s:\n{await output}");
        }
        process.ExitCode.ShouldBe(code, await errors);
        (await errors).Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(setting.Split("__0")[0], Case.Sensitive, await errors);
        (await errors).ShouldNotContain("   at ");
    }

    [GeneratedRegex(@"\b(topology|web|consumers|replay|operator|guest):\1@|password\W{1,8}\b(topology|web|consumers|replay|operator|guest)\b", RegexOptions.IgnoreCase)]
    private static partial Regex DevelopmentPassword();

    private static IConfigurationRoot Catalogue(string connection, string bodies, string retention) => new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["ConnectionStrings:DeadLetters"] = "amqp://replay:secret@localhost",
        ["RabbitMqManagement:Url"] = "http://localhost:15672",
        ["DeadLetters:AuditFile"] = "audit.jsonl",
        ["ConnectionStrings:Catalogue"] = connection,
        ["Catalogue:Bodies"] = bodies,
        ["Catalogue:Retention"] = retention,
    }).Build();
}
