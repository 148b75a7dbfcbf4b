using System.Data.Common;
using System.Reflection;
using Dapper;
using FluentMigrator.Runner;
using Microsoft.Extensions.DependencyInjection;

namespace WorkinIt.Storage;

/// <summary>Brings a database's tables to the version of the code: by <c>--migrate</c>, before the services start.</summary>
public static class DatabaseSchema
{
    /// <summary>Applies the migrations of an assembly that the database lacks. Can be run again, and by several at once: one waits for the other.</summary>
    /// <param name="database">The database; a SQLite file is created.</param>
    /// <param name="migrations">Where the migrations are.</param>
    public static void Migrate(Database database, Assembly migrations)
    {
        using var turn = MigrationTurn.Wait(database);
        if (database.IsSqlite)
        {
            using var connection = database.Open();
            connection.Execute("PRAGMA journal_mode = WAL"); // readers and the writer don't wait for each other; stays with the file
        }
        using var services = new ServiceCollection()
            .AddFluentMigratorCore()
            .ConfigureRunner(runner => (database.IsSqlite ? runner.AddSQLite() : runner.AddPostgres())
                .WithGlobalConnectionString(database.ConnectionString)
                .ScanIn(migrations).For.Migrations())
            .BuildServiceProvider();
        using var scope = services.CreateScope();
        scope.ServiceProvider.GetRequiredService<IMigrationRunner>().MigrateUp();
    }

    /// <summary>Whether a table is there.</summary>
    /// <param name="database">The database.</param>
    /// <param name="table">The table.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? Check(Database database, string table)
    {
        try
        {
            using var connection = database.Open();
            connection.Execute($"SELECT 1 FROM {table} LIMIT 1");
            return null;
        }
        catch (DbException e)
        {
            return $"The table {table} can't be read ({e.Message}): check the connection string, the user's rights, and that --migrate was run";
        }
    }
}
