// Updates the page when the submission's state changes. Without this script, reload the page.
const card = document.querySelector("[data-events^='/']");
if (card && window.EventSource) {
  const part = name => document.querySelector(`[data-part="${name}"]`);
  const show = event => {
    const now = JSON.parse(event.data);
    if (card.dataset.state !== now.state || part("detail").textContent !== now.detail) {
      part("heading").textContent = now.heading;
      part("detail").textContent = now.detail;
      document.title = `${now.heading} - WorkinIt`;
      card.dataset.state = now.state;
    }
    part("placeholder").textContent = now.state === "failed" ? "No GIF was mailed." : "Your GIF shows here once it is mailed.";
    part("lesson").textContent = now.lesson ?? "";
    if (now.gifSource) {
      const image = part("gif");
      image.alt = now.gifText;
      image.src = now.gifSource;
      image.hidden = false;
      part("placeholder").hidden = true;
      part("giphy").hidden = !now.isGiphys;
    }
  };
  const watch = () => {
    const events = new EventSource(card.dataset.events);
    events.addEventListener("status", event => {
      show(event);
      if (card.dataset.state === "sent") events.close();
    });
    // The browser reconnects after a lost connection. After a response such as 502 or 503, which a proxy sends while Web restarts, it gives up.
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) setTimeout(watch, 10_000);
    });
  };
  watch();
}
