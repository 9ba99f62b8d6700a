// While something runs in the background: says how far it is, and loads the page once when it is over.
"use strict";
(() => {
  const page = document.querySelector("[data-standing]");
  if (!page) return;
  const look = async () => {
    try {
      const told = await (await fetch(page.dataset.standing, { headers: { Accept: "application/json" } })).json();
      for (const [name, text] of Object.entries(told.steps)) {
        const line = document.getElementById(`standing-${name}`);
        if (line && line.textContent !== text) line.textContent = text;
      }
      if (!told.running) {
        window.location.assign(window.location.pathname);
        return;
      }
    } catch {
      // The hub is restarted, or the line broke: ask again.
    }
    window.setTimeout(look, 1500);
  };
  window.setTimeout(look, 1500);
})();
