// Sets the look before anything is drawn: a theme that only this browser knows of, and the
// collapsed side panel. Loaded by the head of every page, not deferred.
(() => {
  const page = document.documentElement;
  let theme = null;
  let collapsed = false;
  try {
    theme = localStorage.getItem("hivematrix-theme");
    collapsed = localStorage.getItem("sidebar-collapsed") === "true";
  } catch {
    // Storage is switched off; the page is as the server made it.
  }
  if (theme === "light" || theme === "dark") {
    page.dataset.theme = theme;
  } else if (!page.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches) {
    page.dataset.theme = "dark";
  }
  page.classList.toggle("sidebar-collapsed", collapsed);
})();
