using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.Storage;

/// <summary>
/// The statements of a connection. On SQLite each is prepared once: it takes longer to read one of ours than to run it. On PostgreSQL they are
/// not: a pooler in between may hand the next one to another server process.
/// </summary>
public sealed class Statements : IDisposable
{
    private readonly Dictionary<string, Prepared>? _prepared;

    internal Statements(DbConnection connection, bool prepares)
    {
        Connection = connection;
        _prepared = prepares ? [] : null;
    }

    /// <summary>For what is rare, or has many rows.</summary>
    public DbConnection Connection { get; }

    /// <summary>The transaction in which they run; null where they only read.</summary>
    public DbTransaction? Transaction { get; internal set; }

    /// <summary>Runs a statement.</summary>
    /// <param name="sql">The statement, one of few: its text is kept.</param>
    /// <param name="parameters">What it needs, and maybe more: the name without @, and a string, a number or null. Each time in the same order.</param>
    /// <returns>How many rows it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) => Run(sql, parameters, static command => command.ExecuteNonQuery());

    /// <summary>Runs a statement that answers at most one value.</summary>
    /// <typeparam name="T">A string or a number; nullable, where there may be no row.</typeparam>
    /// <param name="sql">As above.</param>
    /// <param name="parameters">As above.</param>
    public T? Scalar<T>(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var value = Run(sql, parameters, static command => command.ExecuteScalar());
        return value is null or DBNull ? default : (T)Convert.ChangeType(value, Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T), CultureInfo.InvariantCulture);
    }

    /// <summary>Runs a statement that answers at most one row.</summary>
    /// <typeparam name="T">What is made of it.</typeparam>
    /// <param name="sql">As above.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="parameters">As above.</param>
    /// <returns>Null where there is none.</returns>
    public T? Row<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
        where T : class =>
        Run(sql, parameters, command =>
        {
            using var reader = command.ExecuteReader();
            return reader.Read() ? read(reader) : null;
        });

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

    // With those only that stand in it: each of the others would be looked for in it, each time.
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
        var command = Connection.CreateCommand();
        command.Transaction = Transaction;
#pragma warning disable CA2100 // a text of ours; what people typed comes as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }

    private static DbParameter Add(DbCommand command, string name)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = $"@{name}"; // as it stands in the statement: SQLite's driver would try every other spelling first
        command.Parameters.Add(parameter);
        return parameter;
    }

    private sealed record Prepared(DbCommand Command, (int Index, DbParameter Parameter)[] Needed);
}
