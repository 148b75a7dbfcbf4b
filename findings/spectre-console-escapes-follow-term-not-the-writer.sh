#!/usr/bin/env bash
# Spectre.Console 0.57.2: a console on a StringWriter or a StreamWriter writes escape sequences if TERM names a terminal.
#
# Expected before the run: a writer that is not a terminal gets plain text, as standard output does when it is redirected. AnsiConsoleOutput.IsTerminal
# is false for all of them.
# Observed: that holds for a redirected Console.Out only. For other writers, TERM decides: with xterm-256color, styled text gets escape sequences,
# although IsTerminal is false; with dumb, it does not. So the same program writes different text in a developer's shell and in CI.
#
# Affects: tests that capture a command's output, and reports written to a file. Set AnsiSupport.No if IsTerminal is false.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >probe.cs <<'CS'
#:package Spectre.Console@0.57.2
#:property PublishAot=false
using Spectre.Console;

Probe("a StringWriter", new StringWriter(), writer => writer.ToString()!);
var file = new MemoryStream();
Probe("a StreamWriter", new StreamWriter(file), _ => System.Text.Encoding.UTF8.GetString(file.ToArray()));
Probe("redirected Console.Out", Console.Out, _ => "");

static void Probe(string name, TextWriter writer, Func<TextWriter, string> written)
{
    var output = new AnsiConsoleOutput(writer);
    var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = output });
    if (writer != Console.Out)
        console.Write(new Text("stock is low", new Style(Color.Red)));
    writer.Flush();
    Console.WriteLine($"{name}: terminal {output.IsTerminal}, Ansi {console.Profile.Capabilities.Ansi}, escape sequences {written(writer).Contains('\u001b')}");
}
CS

cat >expected <<'TEXT'
TERM=xterm-256color
a StringWriter: terminal False, Ansi True, escape sequences True
a StreamWriter: terminal False, Ansi True, escape sequences True
redirected Console.Out: terminal False, Ansi False, escape sequences False
TERM=dumb
a StringWriter: terminal False, Ansi False, escape sequences False
a StreamWriter: terminal False, Ansi False, escape sequences False
redirected Console.Out: terminal False, Ansi False, escape sequences False
TEXT

dotnet --version
unset NO_COLOR
for term in xterm-256color dumb; do
  printf 'TERM=%s\n' "$term"
  TERM=$term timeout 300 dotnet run probe.cs
done >seen
cat seen
diff expected seen
