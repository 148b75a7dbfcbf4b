using MassTransit;
using MassTransit.Testing;
using Microsoft.Extensions.DependencyInjection;
using QueuesSample;
using Shouldly;
using Xunit;

namespace TestSample;

/// <summary>The consumer with its definition, on an in-memory bus: no broker, no network.</summary>
public sealed class ThePrintLabelConsumer
{
    [Fact]
    public async Task Prints_the_label_and_says_so()
    {
        await using var host = Host(jams: 0);
        var harness = await host.StartTestHarness();

        await harness.Bus.Publish(new PrintLabel("parcel 1"));

        (await harness.Consumed.Any<PrintLabel>()).ShouldBeTrue();
        (await harness.Published.Any<LabelPrinted>(it => it.Context.Message.Parcel == "parcel 1")).ShouldBeTrue();
    }

    [Fact]
    public async Task Tries_again_when_the_printer_jams()
    {
        await using var host = Host(jams: 2);
        var harness = await host.StartTestHarness();

        await harness.Bus.Publish(new PrintLabel("parcel 1"));

        (await harness.Published.Any<LabelPrinted>()).ShouldBeTrue();
        (await harness.Published.Any<Fault<PrintLabel>>()).ShouldBeFalse();
    }

    [Fact]
    public async Task Gives_up_after_three_tries_and_reports_why()
    {
        await using var host = Host(jams: 3);
        var harness = await host.StartTestHarness();

        await harness.Bus.Publish(new PrintLabel("parcel 1"));

        (await harness.Published.Any<Fault<PrintLabel>>(it => it.Context.Message.Exceptions[0].Message == "paper jam")).ShouldBeTrue();
        (await harness.Published.Any<LabelPrinted>()).ShouldBeFalse();
    }

    private static ServiceProvider Host(int jams) => new ServiceCollection()
        .AddSingleton<IPrinter>(new JammingPrinter(jams))
        .AddMassTransitTestHarness(bus => bus.AddConsumer<PrintLabelConsumer, PrintLabelDefinition>())
        .BuildServiceProvider(validateScopes: true);

    private sealed class JammingPrinter(int jams) : IPrinter
    {
        private int _tries;

        public Task PrintAsync(string line) => ++_tries > jams ? Task.CompletedTask : throw new IOException("paper jam");
    }
}
