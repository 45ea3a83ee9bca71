import { expect } from "chai";

import { renderSidePanel } from "../../../../runtime/gateway/page/sidePanel.ts";

/** Without the drawings, which are for looking at. */
function render(...options: Parameters<typeof renderSidePanel>): string {
  return renderSidePanel(...options).replaceAll(/<svg(?: class="([^"]*)")?.*?<\/svg>/g, "<svg $1>");
}

const helm = { name: "helm", title: "Helm" };
const codex = { name: "codex", title: "Codex" };
const user = { name: "Ada Lovelace", level: "admin" };

describe("renderSidePanel", () => {
  it("has the markup of the contract", () => {
    const panel = render({ services: [codex, helm], active: "helm", user, theme: "dark" });
    expect(
      panel
        .replaceAll(/(?=<(?!svg|span|\/span))/g, "\n")
        .trim()
        .split("\n"),
    ).to.deep.equal([
      '<div class="hivematrix-side-panel" id="side-panel" role="complementary" aria-label="HiveMatrix">',
      '<div class="side-panel__header">',
      '<button type="button" class="side-panel__toggle" id="sidebar-toggle" aria-label="Toggle sidebar" aria-controls="side-panel"><svg >',
      "</button>",
      '<h3 class="side-panel__title">HiveMatrix',
      "</h3>",
      "</div>",
      '<nav class="side-panel__nav" aria-label="Services">',
      '<ul class="side-panel__list">',
      '<li class="side-panel__item">',
      '<a class="side-panel__link" href="/codex/" title="Codex"><span class="side-panel__icon"><svg ></span><span class="side-panel__label">Codex</span>',
      "</a>",
      "</li>",
      '<li class="side-panel__item side-panel__item--active">',
      '<a class="side-panel__link" href="/helm/" title="Helm" aria-current="page"><span class="side-panel__icon"><svg ></span><span class="side-panel__label">Helm</span>',
      "</a>",
      "</li>",
      "</ul>",
      "</nav>",
      '<div class="side-panel__footer">',
      '<a class="side-panel__user" href="/sessions" title="Ada Lovelace, admin: sessions"><span class="side-panel__avatar" aria-hidden="true">A</span><span class="side-panel__label"><span class="side-panel__name">Ada Lovelace</span><span class="side-panel__level">admin</span></span>',
      "</a>",
      '<a class="side-panel__link" href="/codex/settings" title="Settings"><span class="side-panel__icon"><svg ></span><span class="side-panel__label">Settings</span>',
      "</a>",
      '<a class="side-panel__link" href="/logout" title="Logout"><span class="side-panel__icon"><svg ></span><span class="side-panel__label">Logout</span>',
      "</a>",
      '<button type="button" class="theme-toggle" id="theme-toggle-btn" role="switch" aria-checked="true" aria-label="Dark theme" title="Dark theme"><span class="theme-toggle__track"><span class="theme-toggle__thumb"><svg theme-icon-moon><svg theme-icon-sun></span></span>',
      "</button>",
      "</div>",
      "</div>",
    ]);
  });

  it("has settings only where there is Codex", () => {
    const panel = render({ services: [helm], active: "helm", user, theme: "light" });
    expect(panel).to.include('aria-checked="false"').and.not.include("/codex/");
  });

  it("offers somebody unknown to sign in, and nothing else", () => {
    const panel = render({ services: [codex], active: "", user: undefined, theme: "light" });
    expect(panel).to.include('href="/login"');
    expect(panel).to.not.include("/logout").and.not.include("settings");
    expect(panel).to.not.include("side-panel__user").and.not.include("aria-current");
  });

  it("draws each known service differently, and any other as a box", () => {
    const known = "helm codex ledger knowledgetree brainhair beacon archive core nexus".split(" ");
    const draw = (name: string): string => {
      const services = [{ name, title: "x" }];
      const panel = renderSidePanel({ services, active: "", user, theme: "light" });
      return /side-panel__icon">(<svg.*?<\/svg>)/.exec(panel)?.[1] ?? "";
    };
    const box = draw("unheard-of");
    expect(box).to.match(/^<svg .*<path/);
    expect(new Set([box, ...known.map(draw)]).size).to.equal(known.length + 1);
    for (const name of ["constructor", "__proto__", "toString"]) expect(draw(name)).to.equal(box);
  });

  it("attack: what comes from users and services stays text", () => {
    const evil = `'"><img src=x onerror=alert(1)>&`;
    const panel = render({
      services: [{ name: `${evil}/../..`, title: evil }],
      active: evil,
      user: { name: evil, level: evil },
      theme: "light",
    });
    expect(panel).to.not.include("<img").and.not.include(`'"`);
    expect(panel).to.include(
      'href="/&#39;%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%26%2F..%2F../"',
    );
  });

  it("stands a user without a name", () => {
    const panel = render({
      services: [],
      active: "",
      user: { name: " ", level: "client" },
      theme: "light",
    });
    expect(panel).to.include('side-panel__avatar" aria-hidden="true">?<');
  });
});
