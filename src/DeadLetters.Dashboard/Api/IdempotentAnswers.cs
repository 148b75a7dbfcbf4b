using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>
/// The answers to requests with an <c>Idempotency-Key</c>, on this instance: a request that is sent again gets the first answer, and does nothing. On
/// another instance, a dry run's id prevents a second run.
/// </summary>
internal sealed class IdempotentAnswers(TimeProvider time)
{
    public const string Header = "Idempotency-Key";

    private const int LongestKey = 255;
    private const int Remembered = 1_000;
    private static readonly TimeSpan _life = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<string, Request> _requests = new();

    /// <summary>Does what a request asks for, unless it was done before.</summary>
    /// <param name="call">The request.</param>
    /// <param name="body">Its body.</param>
    /// <param name="act">Does it.</param>
    /// <returns>The answer; that of the first request if this one is the same.</returns>
    public async Task<IResult> OnceAsync(PageContext call, byte[] body, Func<Task<IResult>> act)
    {
        var request = call.Http.Request;
        if (request.Headers[Header].ToString() is not { Length: > 0 } key)
            return await act();
        if (key.Length > LongestKey)
            throw new ApiInputException(Header, $"{Header} may have up to {LongestKey} characters.");
        Forget();
        var name = $"{call.By}\n{key}";
        var hash = Convert.ToHexString(SHA256.HashData([.. System.Text.Encoding.UTF8.GetBytes($"{request.Path}{request.QueryString}\n"), .. body]));
        var mine = new Request(hash, time.GetUtcNow(), new Lazy<Task<IResult>>(act));
        var first = _requests.GetOrAdd(name, mine);
        if (first.Hash != hash)
            return ApiAnswer.Problem(StatusCodes.Status409Conflict, "Key used before", $"The {Header} was used for another request.", "Use a new key for each request.", Header);
        try
        {
            var answer = await first.Answer.Value;
            if (answer is ApiAnswer { Status: >= StatusCodes.Status400BadRequest })
                _requests.TryRemove(KeyValuePair.Create(name, first)); // nothing was done
            return answer;
        }
        catch
        {
            _requests.TryRemove(KeyValuePair.Create(name, first));
            throw;
        }
    }

    private void Forget()
    {
        var oldest = time.GetUtcNow() - _life;
        foreach (var old in _requests.OrderByDescending(request => request.Value.At).Where((request, index) => index >= Remembered || request.Value.At < oldest))
            _requests.TryRemove(old);
    }

    private sealed record Request(string Hash, DateTimeOffset At, Lazy<Task<IResult>> Answer);
}
