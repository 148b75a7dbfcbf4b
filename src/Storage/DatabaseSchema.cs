using System.Data.Common;
using System.Reflection;
using Dapper;
using FluentMigrator.Runner;
using Microsoft.Extensions.DependencyInjection;

namespace WorkinIt.Storage;

/// <summary>Migrates a database's tables to the version of the code. <c>--migrate</c> runs it before the services start.</summary>
public static class DatabaseSchema
{
    /// <summary>Applies the missing migrations of an assembly. Can be run again, and concurrently: one run waits for the other.</summary>
    /// <param name="database">The database; a SQLite file is created.</param>
    /// <param name="migrations">The assembly that contains the migrations.</param>
    public static void Migrate(Database database, Assembly migrations)
    {
        using var turn = MigrationTurn.Wait(database);
        if (database.IsSqlite)
        {
            using var connection = database.Open();
            connection.Execute("PRAGMA journal_mode = WAL"); // readers and the writer don't wait for each other; the file keeps the mode
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

    /// <summary>Checks that a table exists and can be read.</summary>
    /// <param name="database">The database.</param>
    /// <param name="table">The table.</param>
    /// <returns>What is wrong; null if nothing is.</returns>
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
