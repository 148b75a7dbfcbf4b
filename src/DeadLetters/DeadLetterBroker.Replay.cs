using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <content>What a replay does with each message.</content>
public sealed partial class DeadLetterBroker
{
    /// <summary>Decides what a replay does with each message.</summary>
    private sealed class Replay(DeadLetterBroker broker, QueueSession session, ReplayRequest request, string id, bool watches)
    {
        private readonly Dictionary<string, Target?> _targets = [];
        private readonly HashSet<string> _bound = [];
        private readonly HashSet<string> _edited = [];
        private readonly string _at = broker._time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        private long _number;

        public string Id => id;

        public IReadOnlyCollection<string> Targets => [.. _targets.Values.OfType<Target>().Select(target => target.Queue)];

        /// <summary>Of an edit: the message before it.</summary>
        public string? Original { get; private set; }

        public async Task<IReadOnlyList<Decision>> DecideAsync(IReadOnlyList<DeadLetter> window, CancellationToken cancellationToken)
        {
            var meant = window.Where(request.Filter.Matches).ToList();
            var advice = broker._advisor is { } advisor && meant.Count > 0 ? await advisor.JudgeAsync(meant, request.SendAgain, cancellationToken) : new Verdict?[meant.Count];
            var decisions = new List<Decision>(window.Count);
            var next = 0;
            foreach (var letter in window)
            {
                var isMeant = next < meant.Count && ReferenceEquals(meant[next], letter);
                decisions.Add(isMeant ? await DecideAsync(letter, advice[next++], cancellationToken) : Decision.Left);
            }
            return decisions;
        }

        private async Task<Decision> DecideAsync(DeadLetter letter, Verdict? advice, CancellationToken cancellationToken)
        {
            if (letter.DiscardedFrom is not null)
                return new Decision.Refuse("it is discarded: restore it first");
            if (letter.Unreadable is { } problem && request.Edited is null)
                return new Decision.Refuse($"nobody can read it: {problem}");
            if (advice is { Kind: VerdictKind.Refused, Text: var why })
                return new Decision.Refuse(why);
            if (await TargetAsync(letter, cancellationToken) is not { } target)
                return new Decision.Refuse($"there is no queue {QueueFor(letter)} to replay it to");

            var body = letter.Body;
            if (request.Edited is { } edited)
            {
                if (_edited.Count > 0 && !_edited.Contains(letter.Id))
                    return new Decision.Refuse("an edit is for one message, and this is another one with the same id: name it by its own");
                _edited.Add(letter.Id);
                if (!Envelope.IsJson(letter.ContentType))
                    return new Decision.Refuse($"only JSON can be edited; its content type is {letter.ContentType ?? "not told"}");
                Original = letter.MessageJson ?? letter.BodyText;
                body = Envelope.WithMessage(body, letter.ContentType, edited);
            }
            if (Envelope.IsEnvelope(letter.ContentType))
                body = Envelope.WithoutRedeliveryCount(body);

            var verdict = advice is { Kind: VerdictKind.Warning } ? advice : Expect(letter, target) with { Note = advice?.Note };
            var replayed = new Replayed(letter.Id, letter.MessageId, string.Create(CultureInfo.InvariantCulture, $"{id}.{++_number}"), verdict);
            return new Decision.Move(target.Exchange, target.RoutingKey, Stamped(letter, replayed.ReplayId), body, replayed);
        }

        private static Verdict Expect(DeadLetter letter, Target target) =>
            letter.Kind == DeadLetterKind.Skipped && !target.IsWanted(letter) ? new Verdict(VerdictKind.Warning, "nothing there asks for this type: without a consumer for it, it will be skipped again")
            : target.Consumers == 0 ? new Verdict(VerdictKind.Warning, "no consumer is connected there: it will wait")
            : Verdict.Good;

        private BasicProperties Stamped(DeadLetter letter, string replayId)
        {
            var properties = MovedProperties.Of(letter, header => !Headers.IsOfFirstTry(header) && header != Headers.ReplaySendAgain);
            var headers = properties.Headers!;
            headers[Headers.ReplayId] = replayId;
            headers[Headers.ReplayBy] = request.By;
            headers[Headers.ReplayAt] = _at;
            headers[Headers.ReplayCount] = (letter.LastReplay?.Count ?? 0) + 1;
            if (request.SendAgain)
                headers[Headers.ReplaySendAgain] = true;
            // Days may lie between the two tries: a trace of its own, linked to the first one, instead of more of that one.
            if (headers.ContainsKey(Headers.ActivityId))
                headers.TryAdd(Headers.ActivityPropagation, "Link");
            return properties;
        }

        // Where it failed. But what failed in a queue beside the one whose dead letters these are (orders_slow, in orders_error) goes to that one.
        private string QueueFor(DeadLetter letter)
        {
            var byName = broker.InputQueueOf(letter.Queue);
            return letter.Kind == DeadLetterKind.Fault && letter.FailedIn is { Length: > 0 } failedIn
                && (byName == letter.Queue || !(failedIn == byName || failedIn.StartsWith(byName + "_", StringComparison.Ordinal)))
                    ? failedIn : byName == letter.Queue ? letter.FailedIn ?? byName : byName;
        }

        private async Task<Target?> TargetAsync(DeadLetter letter, CancellationToken cancellationToken)
        {
            var queue = QueueFor(letter);
            if (_targets.TryGetValue(queue, out var known))
                return known;
            Target? target = null;
            if (queue != letter.Queue && await broker._management.QueueAsync(queue, cancellationToken) is { } found)
            {
                var hasExchange = await session.HasExchangeAsync(queue, cancellationToken);
                var bindings = hasExchange
                    ? await broker._management.BindingsToAsync(queue, cancellationToken)
                    : [];
                target = new Target(queue, hasExchange ? queue : "", hasExchange ? "" : queue, await session.ConsumersAsync(queue, cancellationToken), [.. bindings.Select(binding => binding.Source)]);
                if (watches)
                    await WatchAsync(found, cancellationToken);
            }
            _targets.Add(queue, target);
            return target;
        }

        private async Task WatchAsync(BrokerQueue input, CancellationToken cancellationToken)
        {
            var places = new[] { session.Queue, input.Name + "_error", input.Name + "_skipped", input.Text("x-dead-letter-exchange") }
                .OfType<string>().Where(exchange => exchange.Length > 0).Distinct();
            var exchanges = new List<string>();
            foreach (var exchange in places)
            {
                // The dead letters' own exchange has to be there for its failures to be seen; a _skipped one is made when it is first needed.
                if (exchange == input.Name + "_error" || await session.HasExchangeAsync(exchange, cancellationToken))
                    exchanges.Add(exchange);
            }
            await session.Failures.WatchAsync(id, [.. exchanges.Where(_bound.Add)], cancellationToken);
        }

        private sealed record Target(string Queue, string Exchange, string RoutingKey, uint Consumers, HashSet<string> Sources)
        {
            public bool IsWanted(DeadLetter letter) => letter.MessageTypes.Any(Sources.Contains);
        }
    }
}
