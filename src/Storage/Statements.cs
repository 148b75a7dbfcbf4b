using System.Data.Common;
using System.Globalization;

namespace WorkinIt.Storage;

/// <summary>
/// The statements of a connection. On SQLite each is prepared once: it takes longer to read one of ours than to run it. On PostgreSQL they are
/// not: a pooler in between may hand the next one to another server process.
/// </summary>
public sealed class Statements : IDisposable
{
    private readonly Dictionary<string, DbCommand>? _prepared;

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
        foreach (var command in _prepared?.Values ?? Enumerable.Empty<DbCommand>())
            command.Dispose();
        Connection.Dispose();
    }

    private T Run<T>(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbCommand, T> run)
    {
        if (_prepared is null)
        {
            using var once = New(sql);
            Set(once, parameters);
            return run(once);
        }
        if (!_prepared.TryGetValue(sql, out var command))
            _prepared.Add(sql, command = New(sql));
        Set(command, parameters);
        return run(command);
    }

    private DbCommand New(string sql)
    {
        var command = Connection.CreateCommand();
#pragma warning disable CA2100 // a text of ours; what people typed comes as parameters
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }

    private void Set(DbCommand command, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        command.Transaction = Transaction;
        var isNew = command.Parameters.Count == 0;
        for (var index = 0; index < parameters.Length; index++)
        {
            var (name, value) = parameters[index];
            if (isNew)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = name;
                command.Parameters.Add(parameter);
            }
            command.Parameters[index].Value = value ?? DBNull.Value;
        }
    }
}
