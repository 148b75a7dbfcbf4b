using WorkinIt.Cli;

return await CommandLine.RunAsync(args);
