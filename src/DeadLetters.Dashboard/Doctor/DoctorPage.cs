using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Doctor;

/// <summary>Checks the virtual hosts for settings that lose messages, stop consumers or spoil a replay.</summary>
internal static class DoctorPage
{
    public static async Task<IResult> ShowAsync(PageContext page) =>
        page.Page<DoctorReport, DoctorModel>("Doctor", new DoctorModel(await SourceAnswers.AskAsync(page, source => source.Client.DiagnoseAsync(queue: null, page.Aborted))));
}

/// <param name="Answers">What was found in each source, or why it can't be checked.</param>
internal sealed record DoctorModel(IReadOnlyList<SourceAnswer<Diagnosis>> Answers);
