using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Running;

/// <summary>The broker or the mail catcher of ./run --local, which may be stopped and started by hand.</summary>
/// <param name="name">Its name at the start of a sentence.</param>
/// <param name="command">The command that starts it again.</param>
/// <param name="pid">The file with its process id.</param>
internal sealed class Companion(string name, string command, PidFile pid)
{
    private bool _wasUp = true;

    /// <summary>Prints a line if it has stopped or is back since the last call.</summary>
    public void ReportChange()
    {
        var isUp = pid.Id is { } id && ProcessTable.Machine.IsRunning(id);
        if (isUp == _wasUp)
            return;
        _wasUp = isUp;
        Output.Say(isUp ? $"{name} is back." : $"{name} has stopped. To start it again: {command}");
    }
}
