using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.SignIn;
using SignInResult = WorkinIt.Web.SignIn.SignInResult;

namespace WorkinIt.Web.Pages;

// Not to be stored: its form says so, and warns where somebody has said it before.
internal sealed class SignInModel(IServiceProvider services) : PageModel
{
    // Not there where the pages of the dead letters are not set up.
    private readonly SignInService? _desk = services.GetService<SignInService>();

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public string? Username { get; private set; }

    public string? Error { get; private set; }

    public IActionResult OnGet() => _desk is null ? NotFound() : Page();

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellationToken)
    {
        if (_desk is null)
            return NotFound();
        Username = Request.Form["username"];
        var result = await _desk.SignInAsync(HttpContext.Connection.RemoteIpAddress, Username ?? "", Request.Form["password"].ToString(), cancellationToken);
        switch (result)
        {
            case SignInResult.Welcome(var person):
                await HttpContext.SignInAsync(OperatorSignIn.Scheme, person);
                Response.Headers.Location = Url.IsLocalUrl(ReturnUrl) ? ReturnUrl : OperatorSignIn.Path;
                return StatusCode(StatusCodes.Status303SeeOther);
            case SignInResult.TooOften(var wait):
                var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
                Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                return Told(StatusCodes.Status429TooManyRequests, $"Those were many attempts. Wait {seconds} seconds, then try again.");
            case SignInResult.OutOfReach:
                Response.Headers.RetryAfter = "10";
                return Told(StatusCodes.Status503ServiceUnavailable, "RabbitMQ’s management API does not answer, so nobody can be signed in. See that the broker runs, then try again.");
            default:
                return Told(StatusCodes.Status401Unauthorized, "RabbitMQ does not know this user with this password, or the user has no tag that lets them in (management or administrator).");
        }
    }

    private PageResult Told(int status, string error)
    {
        Response.StatusCode = status;
        Error = error;
        return Page();
    }
}
