using MassTransit;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Parcels;

namespace ParcelDesk.Controllers;

[Authorize]
public sealed class HomeController(ISendEndpointProvider bus) : Controller
{
    public IActionResult Index() => View();

    /// <summary>Sends a parcel to the queue of the worker.</summary>
    [HttpPost]
    public async Task<IActionResult> Ship(string town)
    {
        var endpoint = await bus.GetSendEndpoint(new Uri("queue:ship-parcel"));
        await endpoint.Send(new ShipParcel(Guid.CreateVersion7(), town));
        return RedirectToAction(nameof(Index));
    }
}
