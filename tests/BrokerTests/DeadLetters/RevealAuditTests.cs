using System.Text;
using RabbitMQ.Client;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The audit records a reveal only if an operator saw the unmasked message.</summary>
[Trait("broker", "any")] // tests the audit file only
public sealed class RevealAuditTests
{
    [Fact]
    public async Task Failed_edit_records_no_reveal_in_the_audit_and_a_successful_edit_records_one()
    {
        await using var orders = await Orders.CreateAsync();
        var (good, bytes) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await orders.PutAsync(Orders.Faulted(good), Orders.Envelope(good, """{ "item": "tea" }"""));
        await orders.PutAsync(new BasicProperties(Orders.Faulted(bytes)) { ContentType = "text/plain" }, Encoding.UTF8.GetBytes("no JSON"));
        await orders.SeeAsync(Orders.Error, 2);
        var folder = Directory.CreateTempSubdirectory("workinit-").FullName;
        var (wrong, corrected) = (Path.Combine(folder, "wrong.json"), Path.Combine(folder, "corrected.json"));
        await File.WriteAllTextAsync(wrong, "{ item: tea }");
        await File.WriteAllTextAsync(corrected, """{ "item": "coffee" }""");

        await RefusedAsync($"{good}", "--message", Path.Combine(folder, "nowhere.json"));
        await RefusedAsync($"{good}", "--message", wrong);
        await RefusedAsync($"{good}"); // there is no terminal, so no editor can open
        await RefusedAsync($"{bytes}", "--message", corrected);
        (await orders.Command.RunAsync("dead-letters", "edit", $"{good}", "--queue", Orders.Error, "--message", corrected, "--yes", "--wait", "0")).Code.ShouldBe(0);

        (await orders.Client.Audit.ReadAsync(Orders.Error, 1000, default)).Count(entry => entry.Verb == "reveal" && entry.Messages.Contains($"{good}")).ShouldBe(1);
        (await orders.Client.Audit.ReadAsync(Orders.Error, 1000, default)).ShouldNotContain(entry => entry.Messages.Contains($"{bytes}"));
        Directory.Delete(folder, recursive: true);

        async Task RefusedAsync(params string[] arguments)
        {
            (await orders.Command.RunAsync(["dead-letters", "edit", "--queue", Orders.Error, "--yes", .. arguments])).Code.ShouldBe(2);
            (await orders.Client.Audit.ReadAsync(Orders.Error, 1000, default)).ShouldNotContain(entry => entry.Messages.Contains($"{good}") || entry.Messages.Contains($"{bytes}"));
        }
    }
}
