import { levels } from "../entry.ts";
import type { ServiceState } from "../probes.ts";
import type { StoredEntry } from "../store.ts";
import { renderDocument } from "./document.ts";
import { html, type Html } from "./html.ts";

export interface OverviewOptions {
  /** What the gateway cut off the path: `/helm`, or nothing. */
  readonly prefix: string;
  readonly states: readonly ServiceState[];
  /** Names to choose from. */
  readonly services: readonly string[];
  /** What was asked for, to be shown in the form. */
  readonly asked: { readonly service: string; readonly level: string; readonly traceId: string };
  /** Newest first; undefined: the log store does not answer. */
  readonly entries: readonly StoredEntry[] | undefined;
}

const stateBadges = {
  running: ["✓", "success"],
  "not ready": ["✗", "danger"],
  "not running": ["○", "warning"],
} as const;

const levelBadges: Readonly<Record<string, string>> = {
  CRITICAL: "danger",
  ERROR: "danger",
  WARNING: "warning",
  INFO: "info",
  DEBUG: "info",
};

/** The page of services and last log lines. */
export function renderOverview(options: OverviewOptions): string {
  return renderDocument(
    "Helm",
    html`<header class="page-header"><h1 class="page-header__title">Helm</h1></header>
      ${renderServices(options)} ${renderLogs(options)}`,
  );
}

function renderServices({ states }: OverviewOptions): Html {
  const rows = states.map(({ name, state, message, responseTime }) => {
    const [sign, kind] = stateBadges[state];
    return html`<tr data-service="${name}">
      <td>${name}</td>
      <td><span class="badge badge--${kind}">${sign} ${state}</span></td>
      <td>${responseTime === null ? "" : `${String(responseTime)} ms`}</td>
      <td><span class="status-text">${message}</span></td>
    </tr> `;
  });
  return html`<section class="card" aria-labelledby="services">
    <div class="card__header"><h2 class="card__title" id="services">Services</h2></div>
    <div class="card__body table-wrapper">
      <table class="data-table">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col">Response time</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

function renderLogs(options: OverviewOptions): Html {
  return html`<section class="card" aria-labelledby="logs">
    <div class="card__header"><h2 class="card__title" id="logs">Last log lines</h2></div>
    <div class="card__body">${renderForm(options)} ${renderEntries(options)}</div>
  </section>`;
}

function renderForm({ prefix, services, asked }: OverviewOptions): Html {
  return html`<form method="get" action="${prefix}/" class="form-grid" role="search">
    <div class="form-group">
      <label class="form-group__label" for="service">Service</label>
      <select class="form-group__select" id="service" name="service">
        ${renderChoices(services, asked.service)}
      </select>
    </div>
    <div class="form-group">
      <label class="form-group__label" for="level">Level</label>
      <select class="form-group__select" id="level" name="level">
        ${renderChoices(levels, asked.level)}
      </select>
    </div>
    <div class="form-group">
      <label class="form-group__label" for="trace_id">Trace id</label>
      <input
        class="form-group__input"
        id="trace_id"
        name="trace_id"
        maxlength="36"
        value="${asked.traceId}"
      />
    </div>
    <div class="form-group"><button class="btn btn--primary" type="submit">Show</button></div>
  </form>`;
}

function renderChoices(choices: readonly string[], chosen: string): Html {
  const all = chosen === "" || choices.includes(chosen) ? choices : [...choices, chosen];
  const options = all.map((choice) =>
    choice === chosen
      ? html`<option value="${choice}" selected>${choice}</option>`
      : html`<option value="${choice}">${choice}</option>`,
  );
  return html`<option value="">All</option>
    ${options}`;
}

function renderEntries({ entries, prefix }: OverviewOptions): Html {
  if (entries === undefined) {
    return html`<p class="empty-state">The log store does not answer. Try again in a moment.</p>`;
  }
  if (entries.length === 0) return html`<p class="empty-state">There are no such log lines.</p>`;
  return html`<div class="table-wrapper">
    <table class="data-table">
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Service</th>
          <th scope="col">Level</th>
          <th scope="col">Message</th>
          <th scope="col">Trace id</th>
        </tr>
      </thead>
      <tbody>
        ${entries.map((entry) => renderEntry(entry, prefix))}
      </tbody>
    </table>
  </div>`;
}

function renderEntry(entry: StoredEntry, prefix: string): Html {
  const { id, timestamp, service_name, level, message, trace_id } = entry;
  const link = `${prefix}/?trace_id=${encodeURIComponent(trace_id ?? "")}`;
  return html`<tr data-id="${id}">
    <td><time datetime="${timestamp}Z">${timestamp.replace("T", " ").slice(0, 23)}</time></td>
    <td>${service_name}</td>
    <td><span class="log-level badge badge--${levelBadges[level] ?? "info"}">${level}</span></td>
    <td class="log-message">${message}</td>
    <td>${trace_id !== null && html`<a href="${link}">${trace_id}</a>`}</td>
  </tr> `;
}
