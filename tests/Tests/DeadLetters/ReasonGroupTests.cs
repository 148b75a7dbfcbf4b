using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Reasons of many messages, as dry runs and results count them.</summary>
public sealed class ReasonGroupTests
{
    [Fact]
    public void Held_messages_that_differ_only_in_their_Message_ID_and_time_are_one_group_with_the_earliest_and_the_latest_time()
    {
        var group = Of(
            "held (at 2026-01-02 12:00:05Z). Look for Message-ID 0199c4f0000070008000000000000001 in the log",
            "held (at 2026-01-02 11:59:00Z). Look for Message-ID 0199c4f000007000800000000000abcd in the log",
            "held (at 2026-01-03 00:00:00Z). Look for Message-ID 0199c4f0-0000-7000-8000-00000000ffff in the log").ShouldHaveSingleItem();
        group.Text.ShouldBe("held (at 2026-01-02 11:59:00Z (latest: 2026-01-03 00:00:00Z)). Look for Message-ID … in the log");
        group.Messages.Count.ShouldBe(3);
    }

    [Fact]
    public void Reason_that_all_messages_share_is_unchanged()
    {
        const string reason = "sent at 2026-01-02 12:00:00Z to mail.example:25, id 0199c4f0000070008000000000000001";
        Of(reason, reason).ShouldHaveSingleItem().Text.ShouldBe(reason);
    }

    [Fact]
    public void Numbers_that_differ_are_shown_from_the_lowest_to_the_highest()
    {
        Of("body of 1,200 bytes", "body of 900 bytes", "body of 10,000 bytes").ShouldHaveSingleItem().Text.ShouldBe("body of 900 to 10,000 bytes");
        Of("550 5.1.1 unknown", "550 5.1.2 unknown").ShouldHaveSingleItem().Text.ShouldBe("550 … unknown");
    }

    [Fact]
    public void Reasons_with_different_words_are_separate_groups_the_largest_first() =>
        Of("queue a not found", "queue b1 not found", "queue b2 not found", "queue b1 not found").Select(group => (group.Text, group.Messages.Count))
            .ShouldBe([("queue b1 to 2 not found", 3), ("queue a not found", 1)]);

    private static IReadOnlyList<ReasonGroup<string>> Of(params string[] reasons) => ReasonGroups.Of(reasons, reason => reason);
}
