import { join } from "node:path";

import { expect } from "chai";

import { publicOrigin, TestGateway } from "../support/gateway.ts";
import { hasBrowser, openContext } from "../support/browser.ts";
import { findFaintTexts, findOverflow } from "./inPage.js";

/** Where to leave pictures, for people to look at; none by default. */
const pictures = process.env["HIVEMATRIX_PICTURES"];

const agents = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Version/19 Safari/604.1",
  null,
];

describe("the page of sessions, in a browser", function () {
  this.timeout(60_000);
  let test: TestGateway;

  before(async function () {
    if (!hasBrowser) this.skip();
    test = await TestGateway.start();
    test.core.sessionApi.lines = agents.map((agent, number) => ({
      id: `session-${String(number)}`,
      user: { sub: "u1", name: "Ada Lovelace", permission_level: "admin", groups: ["admins"] },
      address: number === 2 ? null : "2001:db8::7",
      agent,
      minted: number === 2,
      created_at: "2026-11-24T10:00:00.000Z",
      seen_at: "2026-11-24T11:30:00.000Z",
      expires_at: "2026-11-24T20:00:00.000Z",
      current: number === 0,
    }));
  });
  after(() => (hasBrowser ? test.close() : undefined));

  for (const [name, viewport] of [
    ["wide", { width: 1280, height: 700 }],
    ["phone", { width: 390, height: 844 }],
  ] as const) {
    for (const colorScheme of ["light", "dark"] as const) {
      it(`is readable on a ${name} screen, ${colorScheme}, and ends a session`, async () => {
        const context = await openContext({ viewport, colorScheme });
        const cookie = test.core.signIn();
        const page = await context.newPage();
        // The name is only in the certificate: the request goes where the gateway listens.
        await page.route(`${publicOrigin}/**`, async (route) => {
          const request = route.request();
          const url = new URL(request.url());
          const answer = await test.ask(`${url.pathname}${url.search}`, {
            method: request.method(),
            cookie,
            headers: { ...(await request.allHeaders()), host: "hive.test" },
            body: request.postData() ?? "",
          });
          await route.fulfill({
            status: answer.status,
            headers: Object.fromEntries(
              Object.entries(answer.headers).map(([key, value]) => [key, String(value)]),
            ),
            body: answer.body,
          });
        });
        await page.goto(`${publicOrigin}/sessions?everybody=yes`);
        expect(await page.title()).to.include("Sessions");
        expect(await page.evaluate(findOverflow)).to.deep.equal([]);
        expect(await page.evaluate(findFaintTexts, 4.5)).to.deep.equal([]);
        expect(await page.isVisible("text=Firefox on Linux")).to.equal(true);
        if (pictures !== undefined) {
          await page.screenshot({ path: join(pictures, `sessions-${name}-${colorScheme}.png`) });
        }
        test.core.requests.length = 0;
        await page.click("tbody tr:nth-child(2) form:first-child button");
        await page.waitForURL(`${publicOrigin}/sessions?everybody=yes`);
        expect(test.core.requests.map(({ path }) => path)).to.include("/v1/sessions/end-one");
        await context.close();
      });
    }
  }
});
