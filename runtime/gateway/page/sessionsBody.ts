import type { SessionLine } from "../coreClient.ts";
import { escapeHtml } from "./escape.ts";

export interface SessionsBodyOptions {
  readonly sessions: readonly SessionLine[];
  /** Whether these are everybody's. */
  readonly everybody: boolean;
  readonly admin: boolean;
}

/** Where people are signed in, with a button for the end of each session. Needs no script. */
export function sessionsBody({ sessions, everybody, admin }: SessionsBodyOptions): string {
  const head = everybody
    ? ["Who", "Where", "Since", "Last seen", ""]
    : ["Where", "Since", "Last seen", ""];
  const columns = head.map((title) => `<th scope="col">${title}</th>`).join("");
  const rows = sessions.map((session) => row(session, everybody)).join("");
  return (
    '<header class="page-header"><div class="page-header__content"><h1 class="page-header__title">Sessions</h1>' +
    `<p class="page-header__description">${everybody ? "Everybody who is signed in." : "Where you are signed in."}</p></div>` +
    `<div class="page-header__actions">${actions(everybody, admin)}</div></header>` +
    '<div class="card"><div class="table-wrapper" tabindex="0" role="region" aria-label="Sessions">' +
    `<table class="data-table"><thead><tr>${columns}</tr></thead><tbody>${rows}</tbody></table></div></div>`
  );
}

function actions(everybody: boolean, admin: boolean): string {
  const other = everybody
    ? '<a class="btn" href="/sessions">Only mine</a>'
    : admin
      ? '<a class="btn" href="/sessions?everybody=yes">Everybody\'s</a>'
      : "";
  return `${other}${form({}, "Sign out everywhere", "btn btn--danger")}`;
}

function row(session: SessionLine, everybody: boolean): string {
  const { id, user, address, agent, minted, created_at, seen_at, current } = session;
  const name = escapeHtml(user.name ?? user.preferred_username ?? user.sub);
  const who = everybody
    ? `<td>${name} <span class="badge">${escapeHtml(user.permission_level)}</span></td>`
    : "";
  const here = current ? ' <span class="badge badge--success">this one</span>' : "";
  const device = minted ? "made by hand" : describeAgent(agent ?? undefined);
  const from =
    address === null ? "" : `<br><span class="u-text-muted">${escapeHtml(address)}</span>`;
  const more = everybody ? { everybody: "yes" } : {};
  const end = form({ id, ...more }, "Sign out", "btn btn--small");
  const all = everybody
    ? form({ sub: user.sub, ...more }, "Everywhere", "btn btn--small btn--danger")
    : "";
  return (
    `<tr>${who}<td><span title="${escapeHtml(agent ?? "")}">${escapeHtml(device)}</span>${here}${from}</td>` +
    `<td>${time(created_at)}</td><td>${seen_at === null ? "" : time(seen_at)}</td>` +
    `<td><div class="btn-group">${end}${all}</div></td></tr>`
  );
}

function form(fields: Readonly<Record<string, string>>, label: string, classes: string): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  );
  return `<form method="post" action="/sessions">${inputs.join("")}<button class="${classes}">${label}</button></form>`;
}

function time(iso: string): string {
  return `<time datetime="${escapeHtml(iso)}">${escapeHtml(iso.slice(0, 16).replace("T", " "))} UTC</time>`;
}

/** The more special name first: Edge and Opera say Chrome too, Chrome says Safari. */
const browsers = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
  ["curl/", "curl"],
] as const;
const systems = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["Linux", "Linux"],
] as const;

/** A device in words, as far as its browser says. */
export function describeAgent(agent = ""): string {
  const browser = browsers.find(([mark]) => agent.includes(mark))?.[1];
  const system = systems.find(([mark]) => agent.includes(mark))?.[1];
  if (browser === undefined) return agent === "" ? "no browser" : agent.slice(0, 60);
  return system === undefined ? browser : `${browser} on ${system}`;
}
