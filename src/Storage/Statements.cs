using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace WorkinIt.Storage;

/// <summary>
/// The statements of a connection. On SQLite each is prepared once, because parsing one of ours takes longer than running it. On PostgreSQL they
/// are not prepared, because a connection pooler in between may send the next one to another server process.
/// </summary>
public sealed class Statements : IDisposable
{
    private readonly Dictionary<string, Prepared>? _prepared;

    internal Statements(DbConnection connection, bool prepares)
    {
        Connection = connection;
        _prepared = prepares ? [] : null;
    }

    /// <summary>The connection itself, for rare statements and for results with many rows.</summary>
    public DbConnection Connection { get; }

    /// <summary>The transaction of the statements; null if each sees the database as it is at that moment.</summary>
    public DbTransaction? Transaction { get; internal set; }

    /// <summary>Creates a command of the connection, within the transaction.</summary>
    public DbCommand Command()
    {
        var command = Connection.CreateCommand();
        command.Transaction = Transaction;
        return command;
    }

    /// <summary>Runs a statement.</summary>
    /// <param name="sql">The statement. Use only a few different ones: on SQLite each is kept.</param>
    /// <param name="parameters">
    /// The parameters: the name without @, and a string, a number or null. Ones that the statement doesn't use are ignored. Always pass them in the same
    /// order.
    /// </param>
    /// <returns>The number of changed rows.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) => Run(sql, parameters, static command => command.ExecuteNonQuery());

    /// <summary>Runs a statement that returns at most one value.</summary>
    /// <typeparam name="T">A string or a number; nullable if there may be no row.</typeparam>
    /// <param name="sql">The statement, as for <see cref="Execute"/>.</param>
    /// <param name="parameters">The parameters, as for <see cref="Execute"/>.</param>
    public T? Scalar<T>(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var value = Run(sql, parameters, static command => command.ExecuteScalar());
        return value is null or DBNull ? default : (T)Convert.ChangeType(value, Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T), CultureInfo.InvariantCulture);
    }

    /// <summary>Runs a statement that returns at most one row.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="sql">The statement, as for <see cref="Execute"/>.</param>
    /// <param name="read">Converts the row.</param>
    /// <param name="parameters">The parameters, as for <see cref="Execute"/>.</param>
    /// <returns>Null if there is no row.</returns>
    public T? Row<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
        where T : class =>
        Run(sql, parameters, command =>
        {
            using var reader = command.ExecuteReader();
            return reader.Read() ? read(reader) : null;
        });

    /// <summary>Runs a read that sees the database as it was at its first statement, whatever is written meanwhile.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="read">The read.</param>
    public T Snapshot<T>(Func<T> read)
    {
        using var transaction = Connection is SqliteConnection file
            ? file.BeginTransaction(deferred: true) // an immediate one would wait for writers
            : Connection.BeginTransaction(IsolationLevel.RepeatableRead);
        Transaction = transaction;
        try
        {
            var result = read();
            transaction.Commit();
            return result;
        }
        finally
        {
            Transaction = null;
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        foreach (var prepared in _prepared?.Values ?? Enumerable.Empty<Prepared>())
            prepared.Command.Dispose();
        Connection.Dispose();
    }

    private T Run<T>(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbCommand, T> run)
    {
        if (_prepared is null)
        {
            using var once = New(sql);
            foreach (var (name, value) in parameters)
                Add(once, name).Value = value ?? DBNull.Value;
            return run(once);
        }
        if (!_prepared.TryGetValue(sql, out var prepared))
            _prepared.Add(sql, prepared = Prepare(sql, parameters));
        foreach (var (index, parameter) in prepared.Needed)
            parameter.Value = parameters[index].Value ?? DBNull.Value;
        prepared.Command.Transaction = Transaction;
        return run(prepared.Command);
    }

    // Adds only the parameters that the statement contains: the driver would search it for each of the others, each time.
    private Prepared Prepare(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = New(sql);
        var needed = new List<(int, DbParameter)>();
        for (var index = 0; index < parameters.Length; index++)
        {
            if (Regex.IsMatch(sql, $@"@{parameters[index].Name}\b", RegexOptions.CultureInvariant))
                needed.Add((index, Add(command, parameters[index].Name)));
        }
        return new Prepared(command, [.. needed]);
    }

    private DbCommand New(string sql)
    {
        var command = Command();
#pragma warning disable CA2100 // our own text; user input is passed as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }

    private static DbParameter Add(DbCommand command, string name)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = $"@{name}"; // as written in the statement: SQLite's driver would try every other spelling first
        command.Parameters.Add(parameter);
        return parameter;
    }

    private sealed record Prepared(DbCommand Command, (int Index, DbParameter Parameter)[] Needed);
}
