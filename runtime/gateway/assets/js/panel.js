// The two switches of the side panel. What they are set to is kept in this browser; the theme goes
// to the user's settings in Codex as well, if there is a Codex.
(() => {
  const page = document.documentElement;
  const panel = document.getElementById("side-panel");
  if (!panel) return;

  const store = (key, value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      // Storage is switched off; the setting lasts as long as the page.
    }
  };

  const toggle = panel.querySelector("#sidebar-toggle");
  const showCollapsed = (collapsed) => {
    panel.classList.toggle("collapsed", collapsed);
    page.classList.toggle("sidebar-collapsed", collapsed);
    toggle?.setAttribute("aria-expanded", String(!collapsed));
  };
  showCollapsed(page.classList.contains("sidebar-collapsed"));
  toggle?.addEventListener("click", () => {
    const collapsed = !panel.classList.contains("collapsed");
    showCollapsed(collapsed);
    store("sidebar-collapsed", String(collapsed));
  });

  const themeToggle = panel.querySelector("#theme-toggle-btn");
  const showTheme = () => {
    themeToggle?.setAttribute("aria-checked", String(page.dataset.theme === "dark"));
  };
  showTheme();
  // Whoever changes it: the switch, or the settings of Codex.
  new MutationObserver(() => {
    showTheme();
    store("hivematrix-theme", page.dataset.theme ?? "light");
  }).observe(page, { attributeFilter: ["data-theme"] });
  themeToggle?.addEventListener("click", () => {
    page.dataset.theme = page.dataset.theme === "dark" ? "light" : "dark";
    if (panel.querySelector('a[href="/codex/"]')) void save(page.dataset.theme);
  });

  async function save(theme) {
    const send = (method, path, body) =>
      fetch(path, {
        method,
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
        credentials: "same-origin",
      });
    try {
      const saved = await send("PUT", "/codex/api/my/settings", { theme_preference: theme });
      if (saved.status === 404 && (await saved.text()).includes("Agent not found")) {
        tell("Kept in this browser only: Codex does not know your account yet.");
      }
      if (saved.ok) await send("POST", "/api/invalidate-cache", {});
    } catch {
      // Codex is away; this browser remembers the theme.
    }
  }

  function tell(message) {
    const toast = document.createElement("div");
    toast.className = "toast toast--info";
    toast.setAttribute("role", "status");
    toast.textContent = message;
    let container = document.querySelector(".toast-container");
    if (!container) {
      container = document.createElement("div");
      container.className = "toast-container";
      document.body.append(container);
    }
    container.append(toast);
    setTimeout(() => toast.remove(), 6000);
  }
})();
