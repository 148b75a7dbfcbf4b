namespace WorkinIt.DeadLetters;

/// <summary>What a part of a body belongs to: the application's data, or one of MassTransit's own contracts, whose fields are not personal.</summary>
internal enum MessageArea
{
    Data,
    Envelope,
    Headers,
    Host,
    RoutingSlip,
    RoutingSlipItem,
    Fault,
    Exceptions,
}

/// <summary>Finds MassTransit's own fields.</summary>
internal static class MessageAreas
{
    /// <summary>The area of a message, by its types.</summary>
    public static MessageArea OfMessage(IEnumerable<string> types)
    {
        foreach (var type in types)
        {
            if (type.StartsWith("MassTransit.Courier.Contracts:", StringComparison.Ordinal))
                return MessageArea.RoutingSlip;
            if (type.StartsWith("MassTransit:Fault", StringComparison.Ordinal))
                return MessageArea.Fault;
        }
        return MessageArea.Data;
    }

    /// <summary>The area of the value with a name.</summary>
    public static MessageArea Under(this MessageArea area, string name, MessageArea message) => (area, name.ToUpperInvariant()) switch
    {
        (MessageArea.Envelope, "MESSAGE") => message,
        (MessageArea.Envelope, "HEADERS") => MessageArea.Headers,
        (MessageArea.Host, _) => MessageArea.Host,
        (MessageArea.Envelope or MessageArea.Fault or MessageArea.RoutingSlip or MessageArea.RoutingSlipItem, "HOST") => MessageArea.Host,
        (MessageArea.RoutingSlip, "ITINERARY" or "ACTIVITYLOGS" or "COMPENSATELOGS" or "ACTIVITYEXCEPTIONS" or "SUBSCRIPTIONS") => MessageArea.RoutingSlipItem,
        (MessageArea.RoutingSlip or MessageArea.RoutingSlipItem, "EXCEPTIONINFO") or (MessageArea.Fault, "EXCEPTIONS") or (MessageArea.Exceptions, "INNEREXCEPTION") => MessageArea.Exceptions,
        _ => MessageArea.Data,
    };

    /// <summary>Whether a field is one of MassTransit's own.</summary>
    public static bool IsOwn(this MessageArea area, string name) => (area, name.ToUpperInvariant()) switch
    {
        (MessageArea.Host, _) => true,
        (MessageArea.Envelope, "MESSAGEID" or "REQUESTID" or "CORRELATIONID" or "CONVERSATIONID" or "INITIATORID" or "SOURCEADDRESS" or "DESTINATIONADDRESS"
            or "RESPONSEADDRESS" or "FAULTADDRESS" or "MESSAGETYPE" or "EXPIRATIONTIME" or "SENTTIME") => true,
        (MessageArea.RoutingSlip or MessageArea.RoutingSlipItem, "TRACKINGNUMBER" or "CREATETIMESTAMP" or "EXECUTIONID" or "NAME" or "ACTIVITYNAME" or "ADDRESS"
            or "TIMESTAMP" or "DURATION" or "ELAPSED" or "EVENTS" or "INCLUDE") => true,
        (MessageArea.Fault, "FAULTID" or "FAULTEDMESSAGEID" or "TIMESTAMP" or "FAULTMESSAGETYPES") => true,
        (MessageArea.Exceptions, "EXCEPTIONTYPE" or "MESSAGE" or "STACKTRACE" or "SOURCE") => true,
        _ => false,
    };
}
