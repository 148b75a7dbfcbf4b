using System.Security.Claims;
using Microsoft.AspNetCore.Mvc;

namespace ParcelDesk.Controllers;

/// <summary>A sign-in without passwords, to try the sample in development. Use your own sign-in otherwise.</summary>
[Route("sign-in")]
public sealed class SignInController(IWebHostEnvironment environment) : Controller
{
    [HttpGet]
    public IActionResult Index() => environment.IsDevelopment() ? View("~/Views/SignIn.cshtml") : NotFound();

    [HttpPost]
    public IActionResult Enter(string role) => environment.IsDevelopment()
        ? SignIn(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, $"A {role}"), new Claim(ClaimTypes.Role, role)], "development")))
        : NotFound();
}
