namespace QueuesSample;

/// <summary>Command: somebody waits for it.</summary>
/// <param name="User">Whose password.</param>
internal sealed record ResetPassword(string User);

/// <summary>Command: nobody waits for it, and there are many.</summary>
/// <param name="Number">Which.</param>
internal sealed record SendNewsletter(int Number);

/// <summary>Command: print the label of a parcel.</summary>
/// <param name="Parcel">Which.</param>
internal sealed record PrintLabel(string Parcel);

/// <summary>Event: it is printed.</summary>
/// <param name="Parcel">Which.</param>
internal sealed record LabelPrinted(string Parcel);
