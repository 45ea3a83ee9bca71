import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { generateKeyPair, SignJWT } from "jose";
import pg from "pg";
import type { BrowserContext, Page } from "playwright-core";

import { listListeners } from "../../setup/listeners.js";
import { openContext } from "../support/browser.ts";
import { KeycloakAdmin } from "../support/keycloak.ts";
import { sharedPlatform } from "../support/platform.ts";
import { eventually, kill, type Outcome, type Trial } from "../support/trial.ts";

/** What the platform keeps of the administrator after the first sign-in. */
const password = `Correct-${randomBytes(9).toString("base64url")}`;

/** One platform with a Flask service, from the first sign-in to a broken release. */
describe("signing in", function () {
  this.timeout(600_000);
  this.bail(true);
  let trial: Trial;
  /** Address of the Flask service. */
  let flasky: string;
  let outputs: Readonly<Record<string, string>>;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    ({ trial, flasky, outputs } = await sharedPlatform());
    context = await openContext();
    page = await context.newPage();
  });

  after(async () => {
    await (context as BrowserContext | undefined)?.close();
  });

  it("leaves nothing to do for a second up", async () => {
    const again = await trial.run("up");
    succeeded(again);
    expect(again.text)
      .to.match(/\d+ unchanged/)
      .and.not.to.match(/\d+ (created|updated|replaced|deleted|to )/);
  });

  it("asks the administrator for a new password and shows Helm with its own request", async () => {
    await page.goto(at("/helm/?from=test"));
    expect(page.url()).to.contain(at("/keycloak/realms/hivematrix/"));
    await typePassword(page, "admin", outputs["adminPassword"] ?? "");
    await page.fill("#password-new", password);
    await page.fill("#password-confirm", password);
    await page.click("input[type=submit], button[type=submit]");
    await page.waitForURL(at("/helm/?from=test"));

    expect(await page.locator("#side-panel").isVisible()).to.equal(true);
    const states = await page.locator("table").first().innerText();
    for (const name of ["core", "helm", "nexus", "keycloak", "flasky"]) {
      expect(states).to.contain(name);
    }
    expect(states).not.to.contain("✗");
    await eventually("its own request is among the log lines", 20, async () => {
      await page.goto(at("/helm/"));
      return (await page.locator("body").innerText()).includes("GET /helm/");
    });
  });

  it("keeps the session by a cookie that says nothing and that no script can read", async () => {
    const cookies = await context.cookies(at("/"));
    const session = cookies.find(({ name }) => name.startsWith("__Host-hivematrix"));
    expect(session).to.deep.include({
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
      path: "/",
    });
    expect(session?.value).to.match(/^[A-Za-z0-9_-]{43}$/);
    expect(await page.evaluate("document.cookie")).to.equal("");
  });

  it("shows the Flask service with right links and its flash message", async () => {
    await page.goto(at("/flasky/"));
    const links = await page
      .locator(".hivematrix-content a")
      .evaluateAll((all) => all.map((link) => (link as unknown as { pathname: string }).pathname));
    expect(links).not.to.deep.equal([]);
    for (const link of links) expect(link).to.match(/^\/flasky\//);
    await page.fill("input[name=text], textarea[name=text]", "A note <b>of mine</b>");
    await page.click(".hivematrix-content button[type=submit]");
    await page.waitForURL(at("/flasky/"));
    const text = await page.locator(".hivematrix-content").innerText();
    expect(text).to.contain("A note <b>of mine</b>");
    expect(await page.locator(".alert, .toast, .flash").count()).to.be.greaterThan(0);
  });

  it("tells the Flask service who asks, and by which way", async () => {
    const seen = (await (await page.request.get(at("/flasky/api/whoami?a=1&a=2"))).json()) as {
      user: Record<string, unknown>;
      headers: Record<string, string>;
      cookies: string[];
      query_string: string;
      root: string;
    };
    expect(seen.user).to.include({ permission_level: "admin", preferred_username: "admin" });
    expect(seen.headers).to.include({
      "X-Forwarded-Prefix": "/flasky",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": new URL(at("/")).host,
    });
    expect(seen.root).to.equal(at("/flasky/"));
    expect(seen.query_string).to.equal("a=1&a=2");
    expect(seen.cookies.filter((name) => name.startsWith("__Host-"))).to.deep.equal([]);
    const query = await page.request.get(at("/flasky/api/query?a=1&a=2"));
    expect(await query.json()).to.deep.include({ args: [["a", ["1", "2"]]] });
  });

  it("lets the Flask service call another one, and receives its log lines", async () => {
    const call = await page.request.get(at("/flasky/call/helm/health"));
    expect(await call.json()).to.have.property("status", 200);
    await eventually("a line of the Flask service", 30, async () => {
      const { text } = await trial.hive("logs", "flasky", "--json");
      return text.includes("flasky");
    });
  });

  it("refuses a member of `client` what administrators may see", async () => {
    const secret = `Client-${randomBytes(9).toString("base64url")}`;
    const admin = await KeycloakAdmin.of(trial);
    await admin.create("/hivematrix/users", {
      username: "carla",
      email: "carla@example.org",
      emailVerified: true,
      firstName: "Carla",
      lastName: "Client",
      enabled: true,
      groups: ["client"],
      credentials: [{ type: "password", value: secret, temporary: false }],
    });
    const other = await openContext();
    try {
      const visitor = await other.newPage();
      await visitor.goto(at("/flasky/"));
      await typePassword(visitor, "carla", secret);
      await visitor.waitForURL(at("/flasky/"));
      expect(await visitor.locator("#side-panel").innerText()).not.to.match(/helm/i);
      const refused = await visitor.goto(at("/helm/"));
      expect(refused?.status()).to.equal(403);
      for (const path of ["/helm/api/logs", "/flasky/admin", "/helm/%2e%2e/helm/", "/core/"]) {
        const { status } = await get(visitor, path);
        expect(status, path).to.be.oneOf([400, 403, 404]);
      }
    } finally {
      await other.close();
    }
  });

  it("refuses expired, forged and foreign tokens at every service", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const claims = { permission_level: "admin", groups: ["admins"], email: "x@y.z" };
    const sign = (expires: string): Promise<string> =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "RS256", kid: "hivematrix-signing-key-1" })
        .setIssuer("hivematrix-core")
        .setSubject("x")
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(privateKey);
    const keycloak = await (await KeycloakAdmin.of(trial)).token();
    for (const token of [await sign("1h"), await sign("-1h"), keycloak, "e30.e30.", ""]) {
      for (const url of [`${local(2)}/api/logs`, `${flasky}/api/whoami`]) {
        const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        expect(response.status, url).to.equal(401);
      }
      const validated = await fetch(`${local(1)}/api/token/validate`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token }),
      });
      expect(validated.status).to.be.oneOf([400, 401]);
    }
    const unproved = await fetch(`${local(1)}/service-token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"calling_service":"helm","target_service":"flasky"}',
    });
    expect(unproved.status).to.equal(401);
  });

  it("keeps the session through kill -9 of each service", async () => {
    for (const name of ["core", "helm", "nexus", "flasky"]) {
      kill(await pidOf(trial, name));
      await eventually(`the session after kill -9 of ${name}`, 60, async () => {
        const [helm, flasky] = await Promise.all([get(page, "/helm/"), get(page, "/flasky/")]);
        return helm.status === 200 && flasky.status === 200;
      });
    }
  });

  it("changes the signing key without a restart of the Flask service", async () => {
    const before = await keyIds();
    const pid = await pidOf(trial, "flasky");
    await query("core", "UPDATE signing_keys SET retired_at = now()");
    await eventually("a new key", 30, async () =>
      (await keyIds()).some((id) => !before.includes(id)),
    );
    await eventually("a token of the new key is taken", 60, async () => {
      const token = await serviceToken("nexus", "flasky");
      const header = Buffer.from(token.split(".")[0] ?? "", "base64url").toString();
      expect(before).not.to.include((JSON.parse(header) as { kid: string }).kid);
      const response = await fetch(`${flasky}/api/whoami`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return response.status === 200;
    });
    expect(await pidOf(trial, "flasky")).to.equal(pid);
    expect((await get(page, "/flasky/")).status).to.equal(200);
  });

  it("listens on loopback only", () => {
    const first = trial.portBase;
    const ours = listListeners().filter(
      ({ port }) => (port >= first && port < first + 6) || flasky.endsWith(`:${String(port)}`),
    );
    // The gateway has two.
    expect(new Set(ours.map(({ port }) => port)).size).to.equal(7);
    expect(ours.map(({ address }) => address)).to.satisfy((all: string[]) =>
      all.every((address) => ["127.0.0.1", "::1", "::ffff:127.0.0.1"].includes(address)),
    );
  });

  it("does not put a broken release in the place of a running one", async () => {
    const main = join(trial.directory, "runtime", "core", "main.ts");
    const good = await readFile(main, "utf8");
    const pid = await pidOf(trial, "core");
    await writeFile(main, `throw new Error("broken on purpose");\n`);
    const broken = await trial.run("up");
    expect(broken.code).not.to.equal(0);
    expect(broken.text).to.contain("broken on purpose");
    expect(await pidOf(trial, "core")).to.equal(pid);
    expect((await get(page, "/helm/")).status).to.equal(200);

    await writeFile(main, `${good}// A new release.\nprocess.title = "core";\n`);
    succeeded(await trial.run("up"));
    expect(await pidOf(trial, "core")).not.to.equal(pid);
    expect((await get(page, "/helm/")).status).to.equal(200);
    await writeFile(main, good);
    succeeded(await trial.run("up"));
    succeeded(await trial.run("preview", "--expect-no-changes"));
  });

  it("asks for the password again after signing out", async () => {
    await page.goto(at("/helm/"));
    await page.click("#side-panel a[href='/logout']");
    await page.waitForSelector("#password");
    await page.goto(at("/helm/"));
    await page.waitForSelector("#password");
    await typePassword(page, "admin", password);
    await page.waitForURL(at("/helm/"));
  });

  function at(path: string): string {
    return `${String(outputs["gatewayUrl"])}${path}`;
  }

  /** Address of the trial's port of that number (ports.js). */
  function local(offset: number): string {
    return `http://127.0.0.1:${String(trial.portBase + offset)}`;
  }

  async function get(from: Page, path: string): Promise<{ status: number }> {
    const response = await from.request.get(at(path), { maxRedirects: 0 });
    return { status: response.status() };
  }

  async function keyIds(): Promise<string[]> {
    const response = await fetch(`${local(1)}/.well-known/jwks.json`);
    const { keys } = (await response.json()) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid);
  }

  async function serviceToken(caller: string, target: string): Promise<string> {
    const secret = await secretOf(`callers-${caller}`);
    const response = await fetch(`${local(1)}/service-token`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${Buffer.from(`${caller}:${secret}`).toString("base64")}`,
      },
      body: JSON.stringify({ calling_service: caller, target_service: target }),
    });
    return ((await response.json()) as { token: string }).token;
  }

  async function secretOf(name: string): Promise<string> {
    const found = (await trial.resources("--show-secrets")).find(({ urn }) =>
      urn.endsWith(`::${name}`),
    );
    const { value } = found?.outputs as { value: { plaintext: string } };
    return JSON.parse(value.plaintext) as string;
  }

  async function query(database: string, text: string): Promise<void> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: trial.portBase + 5,
      user: database,
      database,
      password: await secretOf(`${database}-db-password`),
    });
    await client.connect();
    await client.query(text);
    await client.end();
  }
});

async function typePassword(page: Page, user: string, secret: string): Promise<void> {
  await page.fill("#username", user);
  await page.fill("#password", secret);
  await page.click("#kc-login");
}

async function pidOf(trial: Trial, name: string): Promise<number> {
  const { text } = await trial.hive("status", "--json");
  const { services } = JSON.parse(text) as { services: { name: string; pid: number }[] };
  return services.find((service) => service.name === name)?.pid ?? 0;
}

function succeeded({ code, text }: Outcome): void {
  expect(code, text).to.equal(0);
}
