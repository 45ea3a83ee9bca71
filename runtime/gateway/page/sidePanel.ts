import { escapeHtml } from "./escape.ts";
import { renderIcon, serviceIcon } from "./icon.ts";

export type Theme = "light" | "dark";

export interface PanelService {
  /** First segment of its paths. */
  readonly name: string;
  /** What people read. */
  readonly title: string;
}

export interface PanelUser {
  readonly name: string;
  /** Permission level (contract 1.4). */
  readonly level: string;
}

export interface PanelOptions {
  readonly services: readonly PanelService[];
  /** Name of the service that is open. */
  readonly active: string;
  readonly user: PanelUser | undefined;
  readonly theme: Theme;
}

/**
 * The menu beside every page, with the ids and classes of contract 2.8. Everything but the two
 * switches works without scripts, and those are hidden then.
 */
export function renderSidePanel({ services, active, user, theme }: PanelOptions): string {
  const items = services.map((service) => renderService(service, service.name === active));
  const hasSettings = user !== undefined && services.some(({ name }) => name === "codex");
  return (
    '<div class="hivematrix-side-panel" id="side-panel" role="complementary" aria-label="HiveMatrix">' +
    '<div class="side-panel__header">' +
    '<button type="button" class="side-panel__toggle" id="sidebar-toggle" aria-label="Toggle sidebar" aria-controls="side-panel">' +
    `${renderIcon("panel")}</button>` +
    '<h3 class="side-panel__title">HiveMatrix</h3></div>' +
    `<nav class="side-panel__nav" aria-label="Services"><ul class="side-panel__list">${items.join("")}</ul></nav>` +
    '<div class="side-panel__footer">' +
    (user === undefined ? "" : renderUser(user)) +
    (hasSettings ? renderLink("/codex/settings", renderIcon("settings"), "Settings") : "") +
    (user === undefined
      ? renderLink("/login", renderIcon("signIn"), "Sign in")
      : renderLink("/logout", renderIcon("signOut"), "Logout")) +
    renderThemeToggle(theme) +
    "</div></div>"
  );
}

function renderService({ name, title }: PanelService, isActive: boolean): string {
  const link = renderLink(`/${encodeURIComponent(name)}/`, serviceIcon(name), title, isActive);
  return `<li class="side-panel__item${isActive ? " side-panel__item--active" : ""}">${link}</li>`;
}

/** The title is for the mouse while the panel is collapsed. */
function renderLink(href: string, icon: string, label: string, isActive = false): string {
  const text = escapeHtml(label);
  return (
    `<a class="side-panel__link" href="${escapeHtml(href)}" title="${text}"${isActive ? ' aria-current="page"' : ""}>` +
    `<span class="side-panel__icon">${icon}</span><span class="side-panel__label">${text}</span></a>`
  );
}

function renderUser({ name, level }: PanelUser): string {
  const [initial = "?"] = name.trim();
  const title = escapeHtml(`${name}, ${level}`);
  return (
    `<a class="side-panel__user" href="/sessions" title="${title}: sessions">` +
    `<span class="side-panel__avatar" aria-hidden="true">${escapeHtml(initial.toUpperCase())}</span>` +
    `<span class="side-panel__label"><span class="side-panel__name">${escapeHtml(name)}</span>` +
    `<span class="side-panel__level">${escapeHtml(level)}</span></span></a>`
  );
}

function renderThemeToggle(theme: Theme): string {
  return (
    '<button type="button" class="theme-toggle" id="theme-toggle-btn" role="switch"' +
    ` aria-checked="${String(theme === "dark")}" aria-label="Dark theme" title="Dark theme">` +
    '<span class="theme-toggle__track"><span class="theme-toggle__thumb">' +
    `${renderIcon("moon", "theme-icon-moon")}${renderIcon("sun", "theme-icon-sun")}</span></span></button>`
  );
}
