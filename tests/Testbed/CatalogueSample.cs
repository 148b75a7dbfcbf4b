namespace WorkinIt.Testbed;

/// <summary>A catalogue as an operator finds it at night: 50 queues, a dozen causes, of which one began two hours ago and grows.</summary>
public static class CatalogueSample
{
    private static readonly (string Exception, string Reason, string Stack, int Weight, double Hours, int Queues)[] _causes =
    [
        ("Shop.Payments.GatewayUnreachableException", "pay-{0}.example.com is unreachable (ConnectionRefused): check Payments__Host", "Shop.Payments.Gateway.Charge", 900, 2.2, 6),
        ("System.TimeoutException", "The database did not answer within {0} s", "Shop.Orders.Warehouse.Reserve", 420, 1.6, 3),
        ("Npgsql.PostgresException", "40001: could not serialize access due to concurrent update, transaction {0}", "Shop.Orders.Store.Save", 260, 30, 1),
        ("System.Text.Json.JsonException", "The JSON value could not be converted to Shop.Orders.Money. Path: $.lines[{0}].price", "Shop.Orders.Money.Read", 140, 11, 1),
        ("Shop.Mail.MailRefusedException", "The recipient was refused: 550 5.1.1 No such mailbox: someone{0}@example.com", "Shop.Mail.Sender.Send", 96, 140, 2),
        ("System.InvalidOperationException", "No exchange rate for 2026-11-{0}", "Shop.Pricing.Rates.Of", 60, 7, 1),
        ("System.NullReferenceException", "Object reference not set to an instance of an object.", "Shop.Shipping.Label.Print", 33, 18, 4),
        ("Shop.Stock.OutOfStockException", "Order {0}: no unicorn in stock", "Shop.Stock.Shelf.Take", 21, 23, 1),
        ("System.Net.Http.HttpRequestException", "Response status code does not indicate success: 503 (Service Unavailable).", "Shop.Search.Index.Put", 12, 5, 2),
        ("System.ArgumentException", "An item with the same key has already been added. Key: {0}", "Shop.Reports.Daily.Add", 5, 90, 1),
        ("System.IO.IOException", "No space left on device : '/var/shop/{0}.pdf'", "Shop.Invoices.Pdf.Write", 2, 0.2, 1),
        ("Shop.Legacy.AVeryLongExceptionTypeNameThatSomebodyOnceThoughtWasAGoodIdeaException", "<b>bold</b> \"quoted\" & a text without any blank: " + "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", "Shop.Legacy.Old.Run", 1, 1, 1),
    ];

    private static readonly string[] _services = ["payments", "orders", "mail", "stock", "shipping", "search", "invoices", "pricing", "reports", "legacy"];

    /// <summary>Fills a catalogue.</summary>
    /// <param name="site">The catalogue.</param>
    /// <returns>The MessageId of a message that failed, was replayed and failed again.</returns>
    public static async Task<Guid> FillAsync(CatalogueSite site)
    {
        var (now, random) = (DateTimeOffset.UtcNow, new Random(7)); // the same picture each time
        var counts = new Dictionary<string, long>();
        foreach (var (index, cause) in _causes.Index())
        {
            var letters = Enumerable.Range(0, cause.Weight).Select(number =>
            {
                var queue = $"{_services[index % _services.Length]}{(number % cause.Queues == 0 ? "" : $"-{number % cause.Queues}")}_error";
                counts[queue] = counts.GetValueOrDefault(queue) + 1;
                return Letter(cause, queue, number, now - (TimeSpan.FromHours(cause.Hours) * Math.Pow(random.NextDouble(), 1.7)));
            }).ToList();
            await site.AddAsync(letters.OrderBy(letter => letter.At));
        }
        var again = await FailAgainAsync(site, now);
        counts["orders_error"] = counts.GetValueOrDefault("orders_error") + 1;
        await QueuesAsync(site, counts);
        return again;
    }

    private static async Task<Guid> FailAgainAsync(CatalogueSite site, DateTimeOffset now)
    {
        var letter = Letter(_causes[1], "orders_error", 41, now.AddMinutes(-70)) with { SentAt = now.AddMinutes(-71) };
        await site.AddAsync(letter);
        await site.ReplayedAsync("orders_error", "Sam", now.AddMinutes(-7), letter.Build().Id);
        await site.AddAsync(letter with { At = now.AddMinutes(-6), Replays = 1 });
        return letter.MessageId;
    }

    private static async Task QueuesAsync(CatalogueSite site, Dictionary<string, long> counts)
    {
        foreach (var (queue, count) in counts)
        {
            await (queue switch
            {
                "stock_error" => site.QueueAsync(queue, 60_000, walked: 34_120),
                "invoices_error" => site.QueueAsync(queue, count + 12),
                "legacy_error" => site.QueueAsync(queue, count, fed: false),
                "reports-1_error" => site.QueueAsync(queue, count, "The RabbitMQ user may not read the queue (403)"),
                _ => site.QueueAsync(queue, count),
            });
        }
        for (var number = counts.Count; number < 50; number++)
            await site.QueueAsync($"service-{number}_error", 0);
    }

    private static FailedLetter Letter((string Exception, string Reason, string Stack, int Weight, double Hours, int Queues) cause, string queue, int number, DateTimeOffset at) => new()
    {
        Queue = queue,
        Exception = cause.Exception,
        Reason = string.Format(System.Globalization.CultureInfo.InvariantCulture, cause.Reason, number + 10),
        Stack = $"""
               at Npgsql.Internal.NpgsqlConnector.ReadMessage(Boolean async)
               at Npgsql.NpgsqlDataReader.NextResult()
               at {cause.Stack}(String item) in /_/Shop/{cause.Stack.Split('.')[1]}.cs:line {number % 7}
               at Shop.Orders.PlaceOrderConsumer.Consume(ConsumeContext`1 context) in /_/Shop/Consumers.cs:line 17
               at MassTransit.Middleware.ConsumerMessageFilter`2.Send(ConsumeContext`1 context)
               at MassTransit.Middleware.TeeFilter`1.<>c__DisplayClass5_0.<Send>g__SendAsync|0()
            """.ReplaceLineEndings("\n").Replace($":line {number % 7}", ":line 41", StringComparison.Ordinal),
        Type = $"Shop.{cause.Stack.Split('.')[1]}:{(cause.Weight % 2 == 0 ? "PlaceOrder" : "OrderPlaced")}",
        At = at,
    };
}
