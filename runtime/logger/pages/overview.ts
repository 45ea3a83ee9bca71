import { levels } from "../../kernel/level.ts";
import type { ServiceState } from "../probes.ts";
import type { StoredEntry } from "../store.ts";
import { renderDocument } from "./document.ts";
import { markup, type Markup } from "./markup.ts";

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

/** The page of services and last log lines. */
export function renderOverview(options: OverviewOptions): string {
  return renderDocument(
    "Helm",
    markup`<header class="page-header"><h1 class="page-header__title">Helm</h1></header>
${renderServices(options)}
${renderLogs(options)}`,
  );
}

function renderServices({ states }: OverviewOptions): Markup {
  const rows = states.map(({ name, state, message, responseTime }) => {
    const [sign, kind] = stateBadges[state];
    return markup`<tr data-service="${name}">
<td>${name}</td>
<td><span class="badge badge--${kind}">${sign} ${state}</span></td>
<td>${responseTime === null ? "" : `${String(responseTime)} ms`}</td>
<td><span class="status-text">${message}</span></td>
</tr>
`;
  });
  return markup`<section class="card" aria-labelledby="services">
<div class="card__header"><h2 class="card__title" id="services">Services</h2></div>
<div class="card__body"><div class="table-wrapper"><table class="data-table">
<thead><tr>${renderHeads(["Service", "State", "Response time", "Reason"])}</tr></thead>
<tbody>
${rows}</tbody>
</table></div></div>
</section>`;
}

function renderLogs(options: OverviewOptions): Markup {
  return markup`<section class="card" aria-labelledby="logs">
<div class="card__header"><h2 class="card__title" id="logs">Last log lines</h2></div>
<div class="card__body">
${renderForm(options)}
${renderEntries(options)}
</div>
</section>`;
}

function renderForm({ prefix, services, asked }: OverviewOptions): Markup {
  return markup`<form method="get" action="${prefix}/" class="logs-filters" role="search">
<div class="filter-group"><label class="form-group__label" for="service">Service</label>
<select class="form-group__select" id="service" name="service">${renderChoices(services, asked.service)}</select></div>
<div class="filter-group"><label class="form-group__label" for="level">Level</label>
<select class="form-group__select" id="level" name="level">${renderChoices(levels, asked.level)}</select></div>
<div class="filter-group"><label class="form-group__label" for="trace_id">Trace id</label>
<input class="form-group__input" id="trace_id" name="trace_id" maxlength="36" value="${asked.traceId}"></div>
<button class="btn btn--primary" type="submit">Show</button>
</form>`;
}

function renderChoices(choices: readonly string[], chosen: string): Markup {
  const all = chosen === "" || choices.includes(chosen) ? choices : [...choices, chosen];
  const options = all.map((choice) =>
    choice === chosen
      ? markup`<option value="${choice}" selected>${choice}</option>`
      : markup`<option value="${choice}">${choice}</option>`,
  );
  return markup`<option value="">All</option>${options}`;
}

function renderEntries({ entries, prefix }: OverviewOptions): Markup {
  if (entries === undefined) {
    return markup`<p class="empty-state">The log store does not answer. Try again in a moment.</p>`;
  }
  if (entries.length === 0) return markup`<p class="empty-state">There are no such log lines.</p>`;
  return markup`<div class="table-wrapper"><table class="data-table data-table--logs">
<thead><tr>${renderHeads(["Time (UTC)", "Service", "Level", "Message", "Trace id"])}</tr></thead>
<tbody>
${entries.map((entry) => renderEntry(entry, prefix))}</tbody>
</table></div>`;
}

function renderEntry(entry: StoredEntry, prefix: string): Markup {
  const { id, timestamp, service_name, level, message, trace_id } = entry;
  const link = `${prefix}/?trace_id=${encodeURIComponent(trace_id ?? "")}`;
  return markup`<tr data-id="${id}">
<td class="log-time"><time datetime="${timestamp}Z">${timestamp.replace("T", " ").slice(0, 23)}</time></td>
<td class="log-service">${service_name}</td>
<td><span class="log-level ${level}">${level}</span></td>
<td class="log-message">${message}</td>
<td class="log-meta">${trace_id !== null && markup`<a href="${link}" title="${trace_id}">${trace_id.slice(0, 8)}</a>`}</td>
</tr>
`;
}

function renderHeads(heads: readonly string[]): Markup[] {
  return heads.map((head) => markup`<th scope="col">${head}</th>`);
}
