import { renderIcon } from "./icon.ts";

/** One part of the page: a component in all its kinds. */
function section(title: string, content: string): string {
  return (
    `<section class="card"><div class="card__header"><h2 class="card__title">${title}</h2></div>` +
    `<div class="card__body">${content}</div></section>`
  );
}

const kinds = ["success", "danger", "warning", "info"];

const each = (names: readonly string[], render: (name: string) => string): string =>
  names.map(render).join(" ");

const swatches = [
  ...["bg-primary", "surface", "surface-raised", "text-primary", "text-secondary", "text-muted"],
  ...["border-medium", "primary", "success", "danger", "warning", "info"],
];

/** Every block of contract 4.7 that services use, as a page has it; text is ours, nothing is escaped. */
export function designBody(): string {
  return [
    `<div class="page-header"><div class="page-header__content"><h1 class="page-header__title">Design</h1>` +
      `<p class="page-header__description">The components that every service's pages are made of.</p></div>` +
      `<div class="page-header__actions"><button type="button" class="btn btn--primary">${renderIcon("settings", "btn__icon")}<span class="btn__label">An action</span></button></div></div>`,
    section(
      "Colours",
      `<ul class="design-swatches">${each(
        swatches,
        (name) =>
          `<li class="design-swatch"><span class="design-swatch__color design-swatch__color--${name}"></span><code>--color-${name}</code></li>`,
      )}</ul>`,
    ),
    section(
      "Buttons",
      `<div class="btn-group">${each(
        ["primary", "secondary", "danger", "warning", "outline"],
        (name) => `<button type="button" class="btn btn--${name}">${name}</button>`,
      )} <button type="button" class="btn">plain</button> <button type="button" class="btn btn--small">small</button> <button type="button" class="btn" disabled>disabled</button></div>`,
    ),
    section(
      "Badges",
      `<p>${each(
        [...kinds, "gold", "platinum"],
        (name) => `<span class="badge badge--${name}">${name}</span>`,
      )} <span class="badge">plain</span> ${each(
        kinds,
        (name) => `<span class="badge badge--dot badge--${name}">${name}</span>`,
      )}</p><p>${each(
        [...kinds, "error"],
        (name) => `<span class="status-text status-text--${name}">${name}</span>`,
      )}</p>`,
    ),
    section(
      "Messages",
      each(
        ["success", "error", "warning", "info"],
        (name) =>
          `<div class="alert alert--${name}"><strong>${name}</strong> A sentence with <a href="#forms">a link</a>.</div>`,
      ) +
        '<div class="toast toast--info" role="status">A toast.</div>' +
        '<p class="empty-state">Nothing here yet.</p>',
    ),
    section(
      "Table",
      '<div class="table-wrapper" tabindex="0" role="region" aria-label="Example of a table"><table class="data-table"><thead><tr>' +
        '<th scope="col" class="sort-asc">Name</th><th scope="col">State</th><th scope="col" class="data-table__number">Number</th></tr></thead><tbody>' +
        each(
          kinds,
          (name) =>
            `<tr><td><a href="#forms">${name}</a></td><td><span class="badge badge--dot badge--${name}">${name}</span></td><td class="data-table__number">42</td></tr>`,
        ) +
        "</tbody></table></div>" +
        '<nav class="pagination" aria-label="Pages"><a class="btn btn--small" href="#table">Previous</a> <span>2 of 7</span> <a class="btn btn--small" href="#table">Next</a></nav>',
    ),
    section(
      "Numbers",
      '<div class="stats-grid">' +
        each(
          ["Running", "Requests", "Errors"],
          (name) =>
            `<div class="stat-card"><span class="stat-card__label">${name}</span><p class="stat-card__value">18,204</p><p class="stat-card__meta">in the last hour</p></div>`,
        ) +
        "</div>" +
        '<div class="dashboard-grid"><a class="dashboard-card" href="#forms"><span class="dashboard-card__content"><span class="dashboard-card__title">Memory</span><span class="dashboard-card__count">322 MB</span></span></a></div>' +
        '<div class="info-grid"><div class="info-item"><strong>Version</strong> 1.0</div><div class="info-item"><strong>Since</strong> 2 days</div></div>',
    ),
    section(
      "Forms",
      '<form class="form-grid" id="forms"><div class="form-group"><label class="form-group__label" for="design-name">Name</label>' +
        '<input class="form-group__input" id="design-name" type="text" value="HiveMatrix" aria-describedby="design-help"><p class="form-group__help" id="design-help">Help stands below.</p></div>' +
        '<div class="form-group"><label class="form-group__label" for="design-level">Level</label><select class="form-group__select" id="design-level"><option>INFO</option><option>ERROR</option></select></div>' +
        '<div class="form-group form-group__checkbox-wrapper"><input class="form-group__checkbox" type="checkbox" id="design-check" checked><label class="form-group__checkbox-label" for="design-check">A choice</label></div></form>',
    ),
    section(
      "Text",
      '<p class="u-text-muted">A muted sentence with <code>code</code> and <a href="#forms">a link</a>.</p>' +
        "<pre><code>$ hive logs --follow</code></pre>",
    ),
    section(
      "Log",
      '<div class="table-wrapper" tabindex="0" role="region" aria-label="Example of log lines"><table class="data-table data-table--logs"><thead><tr><th scope="col">Time</th><th scope="col">Level</th><th scope="col">Message</th></tr></thead><tbody>' +
        each(
          ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
          (name) =>
            `<tr><td class="log-time">12:04:31.220</td><td><span class="log-level ${name}">${name}</span></td><td class="log-message">A line of this level</td></tr>`,
        ) +
        "</tbody></table></div>",
    ),
    '<footer class="version-footer"><span class="version-footer__text">The look of every page</span></footer>',
  ].join("\n");
}
