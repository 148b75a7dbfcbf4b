using System.Text.RegularExpressions;
using Dapper;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using WorkinIt.Deliveries;
using WorkinIt.SignIn;
using WorkinIt.Storage;
using WorkinIt.Testbed;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

/// <summary>Web with a real store in a file and without a broker. It accepts submissions anyway.</summary>
public sealed partial class WebHost : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-web-").FullName;
    private readonly WebApplicationFactory<SubmissionRequest> _factory;

    public WebHost()
        : this(migrate: true)
    {
    }

    /// <param name="migrate">Whether the store has its table.</param>
    /// <param name="readOnly">Whether the store is read-only.</param>
    /// <param name="kestrel">Whether to run Kestrel on a real port. It has limits that the in-memory server lacks.</param>
    /// <param name="perClient">The limit of submissions per client and minute; 0: no limit.</param>
    /// <param name="perRecipient">The limit of submissions per recipient and hour; 0: no limit.</param>
    internal WebHost(bool migrate = true, bool readOnly = false, bool kestrel = false, int perClient = 0, int perRecipient = 0)
    {
        var store = $"Data Source={Path.Combine(_folder, "submissions.db")}";
        if (migrate && Database.TryParse(store, out var database, out _))
        {
            DatabaseSchema.Migrate(database, typeof(CreateSubmissions).Assembly);
            OperatorSignIn.MigrateSessions(database);
        }
        var deliveries = $"Data Source={Path.Combine(_folder, "deliveries.db")}";
        if (migrate && Database.TryParse(deliveries, out var ledger, out _))
            DatabaseSchema.Migrate(ledger, typeof(CreateDeliveries).Assembly);
        _factory = new Factory(readOnly ? $"{store};Mode=ReadOnly" : store, deliveries, perClient, perRecipient);
        if (kestrel)
        {
            _factory.UseKestrel(port: 0);
            _factory.StartServer();
        }
        Client = NewClient(handleCookies: true);
    }

    public HttpClient Client { get; }

    internal HttpClient NewClient(bool handleCookies) => _factory.CreateClient(
        new WebApplicationFactoryClientOptions { AllowAutoRedirect = false, BaseAddress = _factory.ClientOptions.BaseAddress, HandleCookies = handleCookies });

    internal T Service<T>()
        where T : class => (T)_factory.Services.GetService(typeof(T))!;

    /// <summary>Executes SQL in the database of the submissions.</summary>
    internal void ExecuteInStore(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "submissions.db")};Pooling=False");
        connection.Execute(sql);
    }

    public async Task<HttpResponseMessage> PostFormAsync(string email, string thought, IReadOnlyDictionary<string, string>? hidden = null)
    {
        var fields = new Dictionary<string, string>(hidden ?? await OpenFormAsync()) { ["email"] = email, ["thought"] = thought };
        return await Client.PostAsync("/", new FormUrlEncodedContent(fields));
    }

    /// <returns>The hidden fields.</returns>
    public async Task<IReadOnlyDictionary<string, string>> OpenFormAsync() =>
        Hidden().Matches(await Client.GetStringAsync("/")).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value);

    public void Dispose()
    {
        Client.Dispose();
        _factory.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex("""<input[^>]*name="(?<name>[^"]+)"[^>]*type="hidden"[^>]*value="(?<value>[^"]*)""")]
    private static partial Regex Hidden();

    private sealed class Factory(string store, string deliveries, int perClient, int perRecipient) : WebApplicationFactory<SubmissionRequest>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("ConnectionStrings:Submissions", store);
            builder.UseSetting("ConnectionStrings:Deliveries", deliveries);
            builder.UseSetting("OptOut:Secret", WorkinItSystem.OptOutSecret);
            builder.UseSetting("Limits:PerClientPerMinute", $"{perClient}");
            builder.UseSetting("Limits:PerRecipientPerHour", $"{perRecipient}");
            builder.UseSetting("Serilog:MinimumLevel:Default", "Fatal");
            builder.UseSetting("ConnectionStrings:RabbitMq", "amqp://web:web@127.0.0.1:1");
        }
    }
}
