using System.Diagnostics.CodeAnalysis;
using MassTransit;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>Finds the consumers of a receive endpoint in what MassTransit's pipeline says about itself.</summary>
internal sealed class ConsumerProbe : ProbeContext
{
    private readonly HashSet<string> _consumers;
    private readonly bool _isConsumer;

    private ConsumerProbe(HashSet<string> consumers, bool isConsumer) => (_consumers, _isConsumer) = (consumers, isConsumer);

    public CancellationToken CancellationToken => CancellationToken.None;

    /// <summary>The type of the only consumer, saga or activity; null if there are several, or a filter does not describe itself.</summary>
    /// <param name="pipe">The pipeline.</param>
    [SuppressMessage("Design", "CA1031", Justification = "Many filters of applications throw here; then the consumer is not known")]
    public static string? OnlyConsumerOf(IProbeSite pipe)
    {
        HashSet<string> consumers = [];
        try
        {
            pipe.Probe(new ConsumerProbe(consumers, isConsumer: false));
        }
        catch (Exception)
        {
            return null;
        }
        return consumers.Count == 1 ? consumers.First() : null;
    }

    public void Add(string key, string value)
    {
        if (_isConsumer && key == "type")
            _consumers.Add(value);
    }

    public void Add(string key, object value)
    {
    }

    public void Set(object values)
    {
        foreach (var property in values.GetType().GetProperties().Where(property => property.Name is "ConsumerType" or "SagaType" or "InstanceType" or "ActivityType"))
        {
            if (property.GetValue(values) is string type)
                _consumers.Add(type);
        }
    }

    public void Set(IEnumerable<KeyValuePair<string, object>> values)
    {
    }

    public ProbeContext CreateScope(string key) => new ConsumerProbe(_consumers, isConsumer: key is "consumer" or "instance");
}
