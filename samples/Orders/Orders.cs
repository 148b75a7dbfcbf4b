using System.Collections.Concurrent;
using MassTransit;

namespace Orders;

/// <summary>An order from the shop's page.</summary>
public sealed record PlaceOrder(Guid OrderId, string Item, string CustomerEmail);

/// <summary>The stock of the warehouse; empty at first. Tea is always in stock.</summary>
public sealed class Stock
{
    private readonly ConcurrentDictionary<string, int> _items = new();

    public void Add(string item) => _items.AddOrUpdate(item, 100, (_, count) => count + 100);

    public bool TryTake(string item)
    {
        if (item == "tea")
            return true;
        while (_items.TryGetValue(item, out var count) && count > 0)
        {
            if (_items.TryUpdate(item, count - 1, count)) // otherwise another order changed the count in between: try again
                return true;
        }
        return false;
    }
}

public sealed class OutOfStockException(string message) : Exception(message);

public sealed partial class PlaceOrderConsumer(Stock stock, ILogger<PlaceOrderConsumer> log) : IConsumer<PlaceOrder>
{
    public Task Consume(ConsumeContext<PlaceOrder> context)
    {
        var order = context.Message;
        if (!stock.TryTake(order.Item))
            throw new OutOfStockException($"Order {order.OrderId}: no {order.Item} in stock");
        LogPlaced(order.OrderId, order.Item);
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Order {OrderId} placed: {Item}")]
    private partial void LogPlaced(Guid orderId, string item);
}
