import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";

import { expect } from "chai";
import type { BrowserContextOptions, Page } from "playwright-core";

import { assetVersion, findAsset } from "../../runtime/gateway/assets.ts";
import type { PageOptions } from "../../runtime/gateway/page/layout.ts";
import { errorPage } from "../../runtime/gateway/page/errorPage.ts";
import { designBody } from "../../runtime/gateway/page/designBody.ts";
import { ownPage } from "../../runtime/gateway/page/ownPage.ts";
import { hasBrowser, openContext } from "../support/browser.ts";
import { composePage } from "../support/composePage.ts";

import {
  describeFocus,
  findFaintTexts,
  findOverflow,
  findViolations,
  panelAnimations,
  panelIsWide,
} from "./inPage.js";
import { samplePage } from "./samplePage.ts";

/** Where to leave pictures, for people to look at; none by default. */
const pictures = process.env["HIVEMATRIX_PICTURES"];

const names = ["beacon", "knowledgetree", "brainhair", "codex", "ledger", "archive", "helm"];
const titles: Readonly<Record<string, string>> = {
  knowledgetree: "KnowledgeTree",
  brainhair: "Brainhair",
};

const options: PageOptions = {
  services: [...names, "core", "nexus", "wiki"].map((name) => ({
    name,
    title: titles[name] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
  })),
  active: "helm",
  user: { name: "Ada Lovelace", level: "admin" },
  theme: "light",
  colorTheme: "purple",
  version: assetVersion,
};

const axePath = join(import.meta.dirname, "../../node_modules/axe-core/axe.min.js");

/** What every text of a page must have (WCAG 2.2, 1.4.3). */
const leastContrast = 4.5;

const sizes = {
  wide: { width: 1280, height: 900 },
  tablet: { width: 700, height: 900 },
  phone: { width: 390, height: 844 },
};

describe("the platform's look, in a browser", function () {
  this.timeout(60_000);
  let server: Server;
  let origin: string;
  /** Requests that are not for a page or an asset, as `PUT /codex/api/my/settings {…}`. */
  let calls: string[];
  let changed: Partial<PageOptions>;
  let settingsStatus: number;

  before(async function () {
    if (!hasBrowser) this.skip();
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const asset = findAsset(pathname);
      // Strict: nothing of ours is inline, nothing comes from elsewhere.
      response.setHeader("content-security-policy", "default-src 'self'; img-src 'self'");
      if (asset !== undefined) {
        response.setHeader("content-type", asset.type);
        response.end(asset.body);
      } else if (request.method !== "GET") {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          calls.push(`${request.method ?? ""} ${pathname} ${Buffer.concat(chunks).toString()}`);
          response.statusCode = pathname.startsWith("/codex/") ? settingsStatus : 200;
          response.end(
            JSON.stringify(settingsStatus === 404 ? { error: "Agent not found. Please ask" } : {}),
          );
        });
      } else {
        response.setHeader("content-type", "text/html; charset=utf-8");
        if (pathname === "/design")
          response.end(ownPage({ title: "Design", body: designBody(), ...options, ...changed }));
        else if (pathname === "/error")
          response.end(
            errorPage({
              status: 403,
              title: "Not for you",
              detail: "Helm is for members of admins. Ask one of them if you need it.",
              requestId: "4f1c0c1e-6c1b-4c52-9f0a-5b6a1d0c9f11",
            }),
          );
        else
          Readable.from([Buffer.from(samplePage)])
            .pipe(composePage({ ...options, ...changed }))
            .pipe(response);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });

  after(() => {
    if (hasBrowser) server.close();
  });

  beforeEach(() => {
    calls = [];
    changed = {};
    settingsStatus = 200;
  });

  /** Opens a page; fails when anything is said on its console or does not load. */
  async function withPage(
    path: string,
    contextOptions: BrowserContextOptions,
    use: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await openContext({ viewport: sizes.wide, ...contextOptions });
    try {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (fault) => complaints.push(fault.message));
      page.on("requestfailed", (request) => complaints.push(request.url()));
      page.on("request", (request) => {
        if (!request.url().startsWith(origin)) complaints.push(`elsewhere: ${request.url()}`);
      });
      await page.goto(`${origin}${path}`);
      await use(page);
      const unexpected = complaints.filter(
        (text) => settingsStatus === 200 || !text.includes("404"),
      );
      expect(unexpected).to.deep.equal([]);
    } finally {
      await context.close();
    }
  }

  async function takePicture(page: Page, name: string): Promise<void> {
    if (pictures !== undefined)
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  for (const theme of ["light", "dark"] as const) {
    for (const [size, viewport] of Object.entries(sizes)) {
      it(`is readable and fits: ${theme}, ${size}`, async () => {
        changed = { theme };
        await withPage("/helm/", { viewport }, async (page) => {
          await takePicture(page, `${size}-${theme}`);
          expect(await page.evaluate(findFaintTexts, leastContrast)).to.deep.equal([]);
          expect(await page.evaluate(findOverflow)).to.deep.equal([]);
        });
      });
    }
    for (const colorTheme of [
      "purple",
      "blue",
      "green",
      "orange",
      "gold",
      "red",
      "yellow",
      "matrix",
      "bee",
    ]) {
      it(`is readable: ${theme}, ${colorTheme}`, async () => {
        changed = { theme, colorTheme };
        await withPage("/helm/", {}, async (page) => {
          await takePicture(page, `color-${colorTheme}-${theme}`);
          expect(await page.evaluate(findFaintTexts, leastContrast)).to.deep.equal([]);
        });
      });
    }
    it(`shows errors: ${theme}`, async () => {
      await withPage("/error", { colorScheme: theme, viewport: sizes.phone }, async (page) => {
        await takePicture(page, `error-${theme}`);
        expect(await page.evaluate(findFaintTexts, leastContrast)).to.deep.equal([]);
        expect(await page.evaluate(findOverflow)).to.deep.equal([]);
        expect(await page.getAttribute("html", "data-theme")).to.equal(
          theme === "dark" ? "dark" : null,
        );
      });
    });
  }

  for (const theme of ["light", "dark"] as const) {
    for (const [size, viewport] of Object.entries({ wide: sizes.wide, phone: sizes.phone })) {
      for (const path of ["/design", "/helm/", "/error"]) {
        it(`has nothing axe would complain of: ${path}, ${theme}, ${size}`, async () => {
          changed = { theme };
          await withPage(path, { viewport, colorScheme: theme, bypassCSP: true }, async (page) => {
            await takePicture(page, `axe${path.replaceAll("/", "-")}-${theme}-${size}`);
            await page.addScriptTag({ path: axePath });
            expect(await page.evaluate(findViolations)).to.deep.equal([]);
          });
        });
      }
    }
  }

  it("has the side panel's new width at once when the window crosses a limit", async () => {
    await withPage("/helm/", {}, async (page) => {
      for (const [size, width] of [
        ["phone", 390],
        ["wide", 200],
        ["tablet", 64],
        ["wide", 200],
      ] as const) {
        await page.setViewportSize(sizes[size]);
        const animations = await page.evaluate(panelAnimations);
        expect(animations, size).to.deep.equal([]);
        expect((await page.locator("#side-panel").boundingBox())?.width, size).to.equal(width);
      }
    });
  });

  it("collapses the side panel, and the next page is collapsed from the start", async () => {
    await withPage("/helm/", {}, async (page) => {
      const panel = page.locator("#side-panel");
      expect((await panel.boundingBox())?.width).to.equal(200);
      await page.emulateMedia({ reducedMotion: "reduce" });
      await page.click("#sidebar-toggle");
      expect(await panel.getAttribute("class")).to.include("collapsed");
      await page.waitForFunction(panelIsWide, 76);
      await takePicture(page, "collapsed");
      await page.reload();
      expect((await panel.boundingBox())?.width).to.equal(76);
      expect(await page.evaluate("localStorage.getItem('sidebar-collapsed')")).to.equal("true");
    });
  });

  it("keeps the theme in the browser without Codex", async () => {
    changed = { services: [{ name: "helm", title: "Helm" }] };
    await withPage("/helm/", {}, async (page) => {
      await page.click("#theme-toggle-btn");
      expect(await page.getAttribute("html", "data-theme")).to.equal("dark");
      await page.reload();
      expect(await page.getAttribute("html", "data-theme")).to.equal("dark");
      expect(await page.getAttribute("#theme-toggle-btn", "aria-checked")).to.equal("true");
      expect(calls).to.deep.equal([]);
    });
  });

  it("keeps the theme in the user's settings with Codex, and in the browser", async () => {
    await withPage("/helm/", {}, async (page) => {
      const told = page.waitForResponse("**/api/invalidate-cache");
      await page.click("#theme-toggle-btn");
      // To its end: a reload would cut it off.
      await (await told).finished();
      expect(calls).to.deep.equal([
        'PUT /codex/api/my/settings {"theme_preference":"dark"}',
        "POST /api/invalidate-cache {}",
      ]);
      // The server composes every page light here: the browser has to remember.
      await page.reload();
      expect(await page.getAttribute("html", "data-theme")).to.equal("dark");
    });
  });

  it("follows a theme that a page sets itself, as the settings of Codex do", async () => {
    await withPage("/helm/", {}, async (page) => {
      await page.evaluate("document.documentElement.setAttribute('data-theme', 'dark')");
      expect(await page.getAttribute("#theme-toggle-btn", "aria-checked")).to.equal("true");
      await page.reload();
      expect(await page.getAttribute("html", "data-theme")).to.equal("dark");
      expect(calls).to.deep.equal([]);
    });
  });

  it("says so when Codex does not know the user", async () => {
    settingsStatus = 404;
    await withPage("/helm/", {}, async (page) => {
      await page.click("#theme-toggle-btn");
      expect(await page.textContent(".toast")).to.include("Codex does not know your account");
      expect(await page.evaluate("localStorage.getItem('hivematrix-theme')")).to.equal("dark");
    });
  });

  it("works by keyboard and shows where the focus is", async () => {
    await withPage("/helm/", {}, async (page) => {
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(describeFocus);
      expect(focus).to.deep.equal(["/beacon/", "solid", "2px"]);
    });
  });

  it("hides the two switches without scripts, and is whole otherwise", async () => {
    await withPage("/helm/", { javaScriptEnabled: false }, async (page) => {
      expect(await page.isVisible("#sidebar-toggle")).to.equal(false);
      expect(await page.isVisible("#theme-toggle-btn")).to.equal(false);
      expect(await page.locator(".side-panel__item a:visible").count()).to.equal(10);
      expect(await page.isVisible('a[href="/logout"]')).to.equal(true);
    });
  });
});
