using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;

namespace WorkinIt.Tests.Settings;

/// <summary>Settings of Consumers out of their bounds, validated as at startup. <see cref="SettingsTests"/> checks some of them in a process.</summary>
public sealed class ConsumersSettingsTests
{
    [Theory]
    [InlineData("Smtp__Host", null)]
    [InlineData("Smtp__Port", "65536")]
    [InlineData("Smtp__From", null)]
    [InlineData("Smtp__From", "a@example.com, b@example.com")]
    [InlineData("Smtp__From", "Nobody <>")]
    [InlineData("Smtp__Password", "only")]
    [InlineData("Smtp__Connections", "0")]
    [InlineData("Smtp__Connections", "257")]
    [InlineData("Smtp__IdleTimeout", "00:00:00")]
    [InlineData("Smtp__SendTimeout", "00:00:26")]
    [InlineData("Smtp__SimulatedDelay", "-00:00:01")]
    [InlineData("Smtp__SimulatedDelay", "00:01:01")]
    [InlineData("Consumer__ConcurrentMessageLimit", "0")]
    [InlineData("Consumer__PrefetchCount", "10001")]
    [InlineData("Retry__Limit", "-1")]
    [InlineData("Retry__MaxInterval", "00:00:00.1")]
    [InlineData("Retry__IntervalDelta", "00:02:00")]
    [InlineData("Redelivery__Delays__0", "00:00:00.01")]
    [InlineData("Giphy__BaseUrl", "relative")]
    [InlineData("Giphy__BaseUrl", "ftp://giphy.example")]
    [InlineData("Giphy__Timeout", "00:00:31")]
    [InlineData("OptOut__Secret", null)]
    [InlineData("OptOut__Secret", "1234567890123456789012345678901")]
    [InlineData("OptOut__Url", null)]
    [InlineData("OptOut__Url", "gifs.example.com")]
    [InlineData("OptOut__Url", "http://gifs.example.com")] // mail programs send the one-click request to https only
    [InlineData("OptOut__Url", "https://gifs.example.com/?from=mail")]
    public void Invalid_setting_of_Consumers_is_reported_in_one_line_that_names_it(string setting, string? value)
    {
        var failure = Should.Throw<OptionsValidationException>(() => Validate((setting, value)));
        failure.Failures.ShouldHaveSingleItem().ShouldContain(setting.Split("__0")[0], Case.Sensitive);
    }

    [Fact]
    public void Redelivery_delays_that_do_not_ascend_are_rejected() =>
        Should.Throw<OptionsValidationException>(() => Validate(("Redelivery__Delays__0", "01:00:00"), ("Redelivery__Delays__1", "00:01:00")))
            .Failures.ShouldHaveSingleItem().ShouldContain("Redelivery__Delays must ascend");

    [Fact]
    public void Default_settings_of_Consumers_are_valid() => Should.NotThrow(() => Validate());

    private static void Validate(params (string Name, string? Value)[] changes)
    {
        var settings = new Dictionary<string, string?> { ["Smtp:Host"] = "mail.example", ["Smtp:From"] = "gifs@workinit.example", ["OptOut:Secret"] = "12345678901234567890123456789012", ["OptOut:Url"] = "https://gifs.example.com" };
        foreach (var (name, value) in changes)
            settings[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        using var provider = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .AddLogging()
            .AddGifs().AddMail().AddGifEmails()
            .BuildServiceProvider();
        _ = provider.GetRequiredService<IOptions<SmtpOptions>>().Value;
        _ = provider.GetRequiredService<IOptions<ConsumerOptions>>().Value;
        _ = provider.GetRequiredService<IOptions<RetryOptions>>().Value;
        _ = provider.GetRequiredService<IOptions<RedeliveryOptions>>().Value;
        _ = provider.GetRequiredService<IOptions<OptOutOptions>>().Value;
        _ = provider.GetRequiredService<IOptions<OptOutLinkOptions>>().Value;
        _ = provider.GetRequiredService<IOptions<WorkinIt.Gifs.Giphy.GiphyOptions>>().Value;
    }
}
