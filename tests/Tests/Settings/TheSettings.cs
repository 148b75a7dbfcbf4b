using System.Diagnostics;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Settings;

public sealed class TheSettings
{
    [Theory]
    [InlineData("Smtp__Host", "")]
    [InlineData("Smtp__Port", "0")]
    [InlineData("Smtp__Port", "abc")]
    [InlineData("Smtp__Security", "Perhaps")]
    [InlineData("Smtp__From", "nobody")]
    [InlineData("Smtp__Username", "only")]
    [InlineData("Smtp__SendTimeout", "01:00:00")]
    [InlineData("Consumer__PrefetchCount", "-1")]
    [InlineData("Retry__Limit", "99")]
    [InlineData("Redelivery__Delays__0", "2.00:00:00")]
    [InlineData("Giphy__Timeout", "00:00:00")]
    [InlineData("ConnectionStrings__RabbitMq", "")]
    [InlineData("ConnectionStrings__RabbitMq", "localhost")]
    [InlineData("ConnectionStrings__Deliveries", "")]
    [InlineData("ConnectionStrings__Deliveries", "somewhere")]
    public async Task A_bad_one_of_consumers_stops_the_start_with_a_line_that_names_it(string setting, string value) =>
        await ShouldStopAsync("Consumers", setting, value);

    [Theory]
    [InlineData("ConnectionStrings__RabbitMq", "amqp://localhost")]
    [InlineData("ConnectionStrings__Submissions", "")]
    [InlineData("Submissions__KeepFor", "00:00:01")]
    public async Task A_bad_one_of_web_stops_the_start_with_a_line_that_names_it(string setting, string value) =>
        await ShouldStopAsync("Web", setting, value);

    [Theory]
    [InlineData("amqp://web:secret@localhost", "amqp://localhost:5672")]
    [InlineData("amqps://web:secret@broker.example/production", "amqps://broker.example:5671/production")]
    [InlineData("amqp://web:secret@a:1,b:2,c/x%2Fy", "amqp://a:1,b:2,c:5672/x/y")]
    public void A_connection_string_names_nodes_and_virtual_host(string text, string shown)
    {
        RabbitMqConnection.TryParse(text, out var connection, out _).ShouldBeTrue();
        connection!.ToString().ShouldBe(shown);
        connection.Username.ShouldBe("web");
        connection.Password.ShouldBe("secret");
    }

    [Fact]
    public void A_password_may_hold_what_a_uri_escapes()
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
    public void A_wrong_one_is_refused_without_repeating_the_password(string text)
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
    public void A_delay_gives_its_queue_the_name(string delay, string name) =>
        DelayQueues.Name(TimeSpan.Parse(delay, System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(name);

    [Theory]
    [InlineData("3.10.8", null)]
    [InlineData("4.0.5", -1)]
    [InlineData("4.3.6", -1)]
    public void Looking_into_a_delay_queue_is_free_on_each_version(string broker, int? limit) =>
        DelayQueues.Arguments(TimeSpan.FromSeconds(1), Version.Parse(broker)).GetValueOrDefault("x-delivery-limit").ShouldBe(limit);

    [Fact]
    public void Without_delays_of_ones_own_there_are_five() =>
        new RedeliveryOptions().Steps.Select(DelayQueues.Name).ShouldBe(
            ["send-gif-email_delay_30s", "send-gif-email_delay_5m", "send-gif-email_delay_30m", "send-gif-email_delay_2h", "send-gif-email_delay_6h"]);

    private static async Task ShouldStopAsync(string service, string setting, string value)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Repository.Root, "artifacts", "bin", service, "release", $"WorkinIt.{service}.dll")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, usual) in new[]
        {
            ("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("ConnectionStrings__RabbitMq", "amqp://web:web@127.0.0.1:1"),
            ("ConnectionStrings__Submissions", "Data Source=/nowhere/at/all.db"), ("ConnectionStrings__Deliveries", "Data Source=/nowhere/at/all.db"),
            ("Smtp__Host", "127.0.0.1"), ("Smtp__From", "gifs@workinit.example"), (setting, value),
        })
            start.Environment[name] = usual;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{service} started all the same:\n{await output}");
        }
        process.ExitCode.ShouldBe(2, await errors);
        (await errors).Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(setting.Split("__0")[0], Case.Sensitive, await errors);
        (await errors).ShouldNotContain("   at ");
    }
}
