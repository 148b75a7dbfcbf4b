using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.SignIn;
using SignInResult = WorkinIt.SignIn.SignInResult;

namespace WorkinIt.Web.Pages;

// No [ResponseCache]: the form's antiforgery token already sets no-store, and ASP.NET Core logs a warning if it was set before.
internal sealed class SignInModel(IServiceProvider services) : PageModel
{
    // Null if the dead-letter pages are not configured.
    private readonly SignInService? _service = services.GetService<SignInService>();

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public string? Username { get; private set; }

    public string? Error { get; private set; }

    public IActionResult OnGet() => _service is null ? NotFound() : Page();

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellationToken)
    {
        if (_service is null)
            return NotFound();
        Username = Request.Form["username"];
        var result = await _service.SignInAsync(HttpContext.Connection.RemoteIpAddress, Username ?? "", Request.Form["password"].ToString(), cancellationToken);
        switch (result)
        {
            case SignInResult.Welcome(var user):
                await HttpContext.SignInAsync(OperatorSignIn.Scheme, user);
                Response.Headers.Location = Url.IsLocalUrl(ReturnUrl) ? ReturnUrl : OperatorSignIn.Path;
                return StatusCode(StatusCodes.Status303SeeOther);
            case SignInResult.TooOften(var wait):
                var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
                Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                return ShowError(StatusCodes.Status429TooManyRequests, $"Too many attempts. Wait {seconds} seconds, then try again.");
            case SignInResult.Unreachable:
                Response.Headers.RetryAfter = "10";
                return ShowError(StatusCodes.Status503ServiceUnavailable, "RabbitMQ’s management API does not answer, so you can’t sign in now. Check that the broker is running, then try again.");
            default:
                return ShowError(StatusCodes.Status401Unauthorized, "Wrong RabbitMQ user or password, or the user has no tag that allows access (management or administrator).");
        }
    }

    private PageResult ShowError(int status, string error)
    {
        Response.StatusCode = status;
        Error = error;
        return Page();
    }
}
