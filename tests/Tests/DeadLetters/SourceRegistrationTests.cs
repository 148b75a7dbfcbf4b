using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Several virtual hosts in one application: wrong names stop its start, with a line that says what to change.</summary>
public sealed class SourceRegistrationTests
{
    [Theory]
    [InlineData("billing")]
    [InlineData("7")]
    [InlineData("EU-west_1.orders")]
    public void Name_of_letters_digits_hyphens_underscores_and_dots_is_accepted(string name) => Mount((name, "amqp://jane:secret@localhost/other")).Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("..")] // a browser would resolve it in an address
    [InlineData("-billing")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("Rechnungen-für-alle")]
    [InlineData("a%2Fb")]
    public void Any_other_name_is_refused_when_it_is_registered(string name) =>
        Should.Throw<FormatException>(() => new ServiceCollection().AddDeadLetterSource(name, _ => Broker("amqp://jane:secret@localhost/other")))
            .Message.ShouldContain($"“{name}” can't be the name of a source. Use up to 64 letters, digits");

    [Theory]
    [InlineData("billing", "BILLING")]
    [InlineData("orders", "shop")] // the first source has the name of its virtual host
    public void Name_that_is_given_twice_stops_the_start(string one, string other) =>
        Should.Throw<InvalidOperationException>(() => Mount((one, "amqp://jane:secret@localhost/one"), (other, "amqp://jane:secret@localhost/two")))
            .Message.ShouldContain("Two sources of dead letters have the name");

    [Fact]
    public void Virtual_host_that_is_added_twice_stops_the_start_without_showing_its_password()
    {
        var message = Should.Throw<InvalidOperationException>(() => Mount(("billing", "amqp://joe:sesame@LOCALHOST:5672/shop"))).Message;
        message.ShouldBe("The sources of dead letters “shop” and “billing” are the same virtual host, shop of localhost:5672. Remove one of them");
    }

    [Fact]
    public void Same_name_of_a_virtual_host_on_two_brokers_is_accepted() => Mount(("billing", "amqp://jane:secret@localhost:5673/shop")).Dispose();

    [Fact]
    public void Client_of_the_application_is_that_of_the_default_source()
    {
        using var app = Mount(("billing", "amqp://jane:secret@localhost/other"));
        ((WebApplication)app).Services.GetServices<DeadLetterClient>().ShouldHaveSingleItem().Services.Options.VirtualHost.ShouldBe("shop");
    }

    private static DeadLetterOptions Broker(string address) => DeadLetterOptions.Parse(address, new Uri("http://localhost:15672"));

    [SuppressMessage("Performance", "CA1859", Justification = "Only as an IDisposable, a WebApplication can be disposed of without await")]
    private static IDisposable Mount(params (string Name, string Address)[] sources)
    {
        var builder = WebApplication.CreateSlimBuilder();
        foreach (var (name, address) in sources) // before the default source: the order is not important
            builder.Services.AddDeadLetterSource(name, _ => Broker(address));
        builder.Services.AddDeadLetters(_ => Broker("amqp://jane:secret@localhost/shop"));
        builder.Services.AddAuthentication("Cookies").AddCookie();
        builder.Services.AddAuthorizationBuilder().AddPolicy("support", policy => policy.RequireAuthenticatedUser());
        var app = builder.Build();
        app.MapDeadLetters("/dead-letters", options => (options.ViewPolicy, options.OperatePolicy) = ("support", "support"));
        return app;
    }
}
