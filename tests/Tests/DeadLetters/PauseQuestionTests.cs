using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class PauseQuestionTests
{
    [Fact]
    public void Answers_to_a_pause_are_words_or_their_first_letter_and_slower_may_name_a_pace()
    {
        PauseQuestion.Parse("r", 7).ShouldBe(PauseAnswer.Resume);
        PauseQuestion.Parse(" Resume ", 7).ShouldBe(PauseAnswer.Resume);
        PauseQuestion.Parse("s", 7).ShouldBe(new PauseAnswer(true, 7));
        PauseQuestion.Parse("slower 0.5", 7).ShouldBe(new PauseAnswer(true, 0.5));
        PauseQuestion.Parse("c", 7).ShouldBe(PauseAnswer.Stop);
        PauseQuestion.Parse(null, 7).ShouldBe(PauseAnswer.Stop); // the input has ended
        foreach (var none in new[] { "", "yes", "s 0", "s x", "s 5 6", "rr" })
            PauseQuestion.Parse(none, 7).ShouldBeNull(none);
    }
}
