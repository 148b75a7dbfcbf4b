// Shows what becomes of a submission, as it happens. Without this script a reload shows it.
const card = document.querySelector("[data-events^='/']");
if (card && window.EventSource) {
  const part = name => document.querySelector(`[data-part="${name}"]`);
  const events = new EventSource(card.dataset.events);
  events.addEventListener("status", event => {
    const now = JSON.parse(event.data);
    if (card.dataset.state !== now.state || part("detail").textContent !== now.detail) {
      part("heading").textContent = now.heading;
      part("detail").textContent = now.detail;
      document.title = `${now.heading} - WorkinIt`;
      card.dataset.state = now.state;
    }
    part("lesson").textContent = now.lesson ?? "";
    if (now.gifSource) {
      const image = part("gif");
      image.alt = now.gifText;
      image.src = now.gifSource;
      image.hidden = false;
      part("placeholder").hidden = true;
      part("giphy").hidden = !now.isGiphys;
    }
    if (now.state === "sent") events.close();
  });
}
