using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace WorkinIt.Dev.Machine;

/// <summary>Asks a program on this machine whether it is ready.</summary>
internal static class HttpProbe
{
    private static readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Returns whether a GET request is answered with 200.</summary>
    /// <param name="port">The port on 127.0.0.1.</param>
    /// <param name="path">The path.</param>
    /// <param name="user">A user whose password is the same as the name; null sends none.</param>
    public static async Task<bool> AnswersOkAsync(int port, string path, string? user = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{port}{path}"));
        request.Headers.Host = "localhost";
        if (user is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{user}")));
        try
        {
            using var response = await _client.SendAsync(request);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
