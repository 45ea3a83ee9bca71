import { expect } from "chai";

import { assetVersion, findAsset } from "../../../../runtime/gateway/assets.ts";

const paths = [
  ["/static/css/global.css", "text/css; charset=utf-8"],
  ["/static/css/side-panel.css", "text/css; charset=utf-8"],
  ["/static/js/theme.js", "text/javascript; charset=utf-8"],
  ["/static/js/panel.js", "text/javascript; charset=utf-8"],
  ["/static/img/hive.svg", "image/svg+xml"],
] as const;

/** CSS variables that services use in their own styles (contract 4.7). */
const variables = [
  ..."bg-primary bg-secondary bg-tertiary surface surface-raised text-primary text-secondary".split(
    " ",
  ),
  ..."text-muted border-light border-medium border-dark primary primary-hover primary-text".split(
    " ",
  ),
  ..."primary-bg primary-shadow primary-glow primary-shadow-strong success success-bg danger".split(
    " ",
  ),
  ..."danger-bg warning warning-bg info hover-bg active-bg focus-ring".split(" "),
].map((name) => `--color-${name}`);

/** Blocks that services use without bringing a style for them (contract 4.7). */
const blocks = [
  ..."btn btn__icon btn__label btn--primary btn--danger btn--secondary btn--small btn--sm".split(
    " ",
  ),
  ..."btn--warning btn--outline card card__header card__title card__body card__header-actions".split(
    " ",
  ),
  ..."card__header--success card__header--danger card__header--warning form-group".split(" "),
  ..."form-group__label form-group__input form-group__help form-group__select".split(" "),
  ..."form-group__checkbox-wrapper form-group__checkbox-label form-grid page-header".split(" "),
  ..."page-header__title page-header__content page-header__actions page-header__description".split(
    " ",
  ),
  ..."badge badge--success badge--danger badge--warning badge--info badge--gold".split(" "),
  ..."badge--platinum table-wrapper sortable-header sort-indicator status-text".split(" "),
  ..."status-text--success status-text--danger status-text--warning status-text--info".split(" "),
  ..."status-text--error status-badge priority-badge severity-badge empty-state alert".split(" "),
  ..."alert--error alert--warning alert--success toast toast-container modal modal__dialog".split(
    " ",
  ),
  ..."modal__header modal__title modal__body modal__footer modal__close dashboard-grid".split(" "),
  ..."dashboard-grid--three-col dashboard-card dashboard-card__icon dashboard-card__content".split(
    " ",
  ),
  ..."dashboard-card__title dashboard-card__count dashboard-card__meta info-grid".split(" "),
  ..."info-item__label info-item__value stat-card stats-grid search-form results-header".split(" "),
  ..."pagination filter-group tabs tab-content dropdown context-menu breadcrumb skeleton".split(
    " ",
  ),
  ..."loading theme-option color-preview code-block log-entry logs-viewer log-modal".split(" "),
  ..."security-banner user-card user-item chat chat__messages siren version-footer__text".split(
    " ",
  ),
  ..."u-mt-0 u-mt-4 u-mb-0 u-mb-4 u-m-0 u-my-2 u-p-2 u-flex u-flex-gap u-flex-gap-1".split(" "),
  ..."u-flex-gap-2 u-flex-wrap u-items-center u-justify-between u-text-muted".split(" "),
  ..."u-text-secondary u-text-center u-text-right u-text-small u-text-sm u-text-xs".split(" "),
  ..."u-text-success u-text-danger u-text-warning u-hidden u-inline u-icon-sm u-icon-md".split(" "),
  ..."u-icon-lg u-icon-xl u-overflow-auto u-w-200".split(" "),
];

describe("assets", () => {
  for (const [path, type] of paths) {
    it(`has ${path}`, () => {
      const asset = findAsset(path);
      expect(asset?.type).to.equal(type);
      expect(asset?.body.length).to.be.greaterThan(0);
      expect(asset?.etag).to.match(/^"[A-Za-z0-9_-]{16}"$/);
    });
  }

  it("has a version that can stand in a query", () => {
    expect(assetVersion).to.match(/^[A-Za-z0-9_-]{16}$/);
  });

  for (const path of [
    "/static/",
    "/static/css",
    "/static/../assets.ts",
    "/static/css/../../config.ts",
    "/static/%2e%2e/config.ts",
    "static/css/global.css",
    "/static//css/global.css",
    "/static/css/global.css?v=1",
    "__proto__",
  ]) {
    it(`attack: has nothing at ${path}`, () => {
      expect(findAsset(path)).to.equal(undefined);
    });
  }

  const css = findAsset("/static/css/global.css")?.body.toString() ?? "";

  it("defines every CSS variable of the contract", () => {
    const names = [
      ...variables,
      ...["sm", "md", "lg", "xl"].map((size) => `--shadow-${size}`),
      ...["primary", "success", "surface"].map((name) => `--gradient-${name}`),
    ];
    expect(names.filter((name) => !css.includes(`  ${name}:`))).to.deep.equal([]);
  });

  it("styles every block and utility of the contract", () => {
    const styled = new Set(css.match(/(?<=\.)[a-z][a-z0-9_-]*/gi));
    expect(blocks.filter((name) => !styled.has(name))).to.deep.equal([]);
  });

  it("uses no variable that is not defined", () => {
    const all = css + (findAsset("/static/css/side-panel.css")?.body.toString() ?? "");
    const defined = new Set(all.match(/(?<=\s)--[a-z0-9-]+(?=:)/g));
    const used = new Set(all.match(/(?<=var\()--[a-z0-9-]+/g));
    expect([...used].filter((name) => !defined.has(name))).to.deep.equal([]);
  });

  it("brings nothing from elsewhere (weakness 43)", () => {
    for (const [path] of paths) {
      const text = (findAsset(path)?.body.toString() ?? "").replace(
        "http://www.w3.org/2000/svg",
        "",
      );
      expect(text, path).to.not.match(/https?:|url\("?\/\/|@import/);
    }
  });
});
