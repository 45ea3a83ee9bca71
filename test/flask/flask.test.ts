import { expect } from "chai";
import { type JWTPayload, SignJWT } from "jose";

import { type Flask, startFlask } from "../support/flask.ts";
import { createDatabase } from "../support/postgres.ts";
import { Signer, StandIn } from "./standIns.ts";

const person = {
  sub: "user-1",
  name: "Ada",
  email: "ada@example.org",
  preferred_username: "ada",
  permission_level: "client",
  groups: [],
};

/** flasky alone, with stand-ins for core and the logger: what an unmodified service does. */
describe("the Flask service of the tests", function () {
  this.timeout(180_000);
  this.slow(7000);
  let signers: Signer[];
  let core: StandIn;
  let logger: StandIn;
  let flask: Flask;

  before(async () => {
    signers = [await Signer.create("first")];
    core = await new StandIn(async ({ path, body }) => {
      if (path === "/.well-known/jwks.json") {
        return { status: 200, body: { keys: signers.map(({ jwk }) => jwk) } };
      }
      if (path === "/health") return { status: 200, body: {} };
      const { calling_service, target_service } = body as Record<string, string>;
      const token = await sign({
        sub: `service:${String(calling_service)}`,
        type: "service",
        calling_service,
        target_service,
      });
      return { status: 200, body: { token } };
    }).start();
    logger = await new StandIn(() => ({ status: 200, body: { success: true } })).start();
    flask = await startFlask({
      env: {
        SECRET_KEY: "of flasky alone",
        CORE_SERVICE_URL: core.url,
        HELM_SERVICE_URL: logger.url,
      },
      services: { helm: { url: logger.url } },
    });
  });

  after(async () => {
    await flask.stop();
    await core.stop();
    await logger.stop();
  });

  function sign(claims: JWTPayload): Promise<string> {
    return signers[0]?.sign(claims) ?? Promise.reject(new Error("no key"));
  }

  async function ask(
    path: string,
    { token, ...init }: RequestInit & { token?: string } = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token ?? (await sign(person))}`);
    return await fetch(`${flask.url}${path}`, { redirect: "manual", ...init, headers });
  }

  it("refuses a request without a token as the contract words it", async () => {
    const response = await fetch(`${flask.url}/api/whoami`);
    expect(response.status).to.equal(401);
    expect(response.headers.get("content-type")).to.equal("application/problem+json");
    expect(await response.json()).to.include({
      type: "about:blank#unauthorized",
      detail: "401 Unauthorized: Authorization header is missing or invalid.",
      instance: "/api/whoami",
    });
  });

  it("accepts a user's token by the keys of core, fetched once", async () => {
    for (const path of ["/api/whoami?a=1&a=2&c", "/"]) {
      expect((await ask(path)).status).to.equal(200);
    }
    const response = await ask("/api/whoami?a=1&a=2&c", {
      headers: { "x-forwarded-for": "192.0.2.7", cookie: "x=1", "x-correlation-id": "abc" },
    });
    const told = (await response.json()) as Record<string, unknown>;
    expect(told).to.deep.include({
      service: null,
      authorization: "Bearer",
      cookies: ["x"],
      correlation_id: "abc",
      query_string: "a=1&a=2&c",
      remote_addr: "192.0.2.7",
    });
    expect(told["user"]).to.deep.include(person);
    expect(core.seen.filter(({ path }) => path.endsWith("jwks.json"))).to.have.length(1);
  });

  it("refuses tokens that unmodified services refuse: with an audience, foreign, future, expired", async () => {
    const now = Math.floor(Date.now() / 1000);
    const stranger = await Signer.create("first");
    const tokens = {
      audience: await sign({ ...person, aud: "flasky" }),
      issuer: await sign({ ...person, iss: "hivematrix.core" }),
      future: await sign({ ...person, iat: now + 60 }),
      expired: await sign({ ...person, iat: now - 60, exp: now - 1 }),
      signature: await stranger.sign(person),
      algorithm: await new SignJWT({ ...person, iss: "hivematrix-core", exp: now + 60 })
        .setProtectedHeader({ alg: "HS256", kid: "first" })
        .sign(new TextEncoder().encode("a secret of at least 32 characters")),
      nonsense: "a.b.c",
    };
    for (const [what, token] of Object.entries(tokens)) {
      const response = await ask("/api/whoami", { token });
      expect(response.status, what).to.equal(401);
      const { detail } = (await response.json()) as { detail: string };
      expect(detail, what).to.equal("401 Unauthorized: Invalid or expired token");
    }
  });

  it("accepts a new key of core without a restart", async () => {
    const next = await Signer.create("second");
    signers.push(next);
    expect((await ask("/api/whoami", { token: await next.sign(person) })).status).to.equal(200);
  });

  it("lets administrators and services in where others are refused", async () => {
    expect((await ask("/admin")).status).to.equal(403);
    const admin = await sign({ ...person, permission_level: "admin" });
    expect((await ask("/admin", { token: admin })).status).to.equal(200);
    const service = await sign({ type: "service", calling_service: "codex" });
    expect((await ask("/admin", { token: service })).status).to.equal(200);
    const told = (await (await ask("/api/whoami", { token: service })).json()) as object;
    expect(told).to.deep.include({ user: null, service: "codex" });
  });

  it("builds its links below the prefix that the proxy names", async () => {
    const headers = {
      "x-forwarded-prefix": "/flasky",
      "x-forwarded-host": "hive.example:8000",
      "x-forwarded-proto": "https",
    };
    const page = await (await ask("/", { headers })).text();
    expect(page).to.contain('action="/flasky/notes"').and.to.contain('href="/flasky/admin"');
    expect(page).to.contain('href="https://hive.example:8000/flasky/"');
    expect(page).to.contain('href="/flasky/static/flasky.css"');
  });

  it("stores a note and says so once, by its own session cookie", async () => {
    const body = new URLSearchParams({ text: "buy <honey>" });
    const posted = await ask("/notes", { method: "POST", body });
    expect(posted.status).to.equal(302);
    expect(posted.headers.get("location")).to.equal("/");
    const cookie = posted.headers.get("set-cookie") ?? "";
    expect(cookie).to.match(/^session=[^;]+; HttpOnly; Path=\/$/);
    const page = await ask("/", { headers: { cookie: cookie.split(";")[0] ?? "" } });
    const text = await page.text();
    expect(text).to.contain("Stored: buy &lt;honey&gt;").and.to.contain("<td>buy &lt;honey&gt;");
    expect(page.headers.get("set-cookie")).to.match(/^session=;/);
    expect(await (await ask("/")).text()).not.to.contain("Stored:");
  });

  it("calls another service with a token of its own, which it keeps", async () => {
    logger.seen.length = 0;
    const headers = { "x-correlation-id": "trace-1" };
    for (const path of ["/call/helm/api/x?q=1&q=2", "/call/helm/api/y"]) {
      const answer = (await (await ask(path, { headers })).json()) as object;
      expect(answer).to.deep.equal({ status: 200, body: '{"success":true}' });
    }
    const [first, second] = logger.seen.filter(({ path }) => !path.endsWith("/ingest"));
    expect(first?.path).to.equal("/api/x?q=1&q=2");
    expect(first?.headers["x-correlation-id"]).to.equal("trace-1");
    expect(first?.headers.authorization).to.match(/^Bearer /);
    expect(second?.headers.authorization).to.equal(first?.headers.authorization);
    const response = await ask("/call/nobody/x");
    expect(response.status).to.equal(500);
  });

  it("sends its access lines in batches, signed in as itself", async () => {
    const known = logger.seen.length;
    for (let count = 0; count < 12; count += 1) await ask("/api/query?n=1");
    const batch = await eventually(() =>
      logger.seen.slice(known).find(({ path }) => path === "/api/logs/ingest"),
    );
    expect(batch.headers.authorization).to.match(/^Bearer /);
    const { service_name, logs } = batch.body as {
      service_name: string;
      logs: Record<string, unknown>[];
    };
    expect(service_name).to.equal("flasky");
    expect(logs.length).to.be.within(1, 10);
    const line = logs.find(({ message }) => String(message).includes("/api/query"));
    expect(line).to.include({ level: "INFO" });
    expect(line?.["timestamp"]).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+$/);
    expect(line?.["context"]).to.be.an("object");
  });

  it("tells its health, and that of core", async () => {
    const response = await fetch(`${flask.url}/health`);
    const health = (await response.json()) as {
      status: string;
      checks: { disk: object; dependencies: object };
    };
    expect(health).to.include({ service: "flasky" });
    expect(response.status).to.equal(health.status === "healthy" ? 200 : 503);
    expect(health.checks.dependencies).to.have.nested.property("core.status", "healthy");
    expect(health.checks.disk).to.include.keys("status", "usage_percent", "free_gb", "total_gb");
  });

  it("answers what gateways get wrong: repeated keys, streams, inner addresses, odd methods", async () => {
    expect(await (await ask("/api/query?a=1&a=2&c")).json()).to.deep.equal({
      method: "GET",
      args: [
        ["a", ["1", "2"]],
        ["c", [""]],
      ],
    });
    const stream = await ask("/stream");
    expect(stream.headers.get("content-type")).to.contain("text/event-stream");
    expect((await stream.text()).match(/event: tick\ndata: \d of 3\n\n/g)).to.have.length(3);
    const away = await ask("/redirect");
    expect(away.headers.get("location")).to.equal(`${flask.url}/?from=redirect`);
    expect((await ask("/stream", { method: "POST" })).status).to.equal(500);
    expect((await ask("/nothing")).status).to.equal(404);
  });

  it("keeps notes in PostgreSQL when it has a database", async () => {
    const { host, port, database, user, password, pool } = await createDatabase();
    const other = await startFlask({
      env: { CORE_SERVICE_URL: core.url, HELM_SERVICE_URL: logger.url },
      database: `postgresql://${user}:${password}@${host}:${String(port)}/${database}`,
    });
    try {
      const headers = { authorization: `Bearer ${await sign(person)}` };
      const body = new URLSearchParams({ text: "kept" });
      await fetch(`${other.url}/notes`, { method: "POST", body, headers, redirect: "manual" });
      const { rows } = await pool.query("SELECT text, author FROM notes");
      expect(rows).to.deep.equal([{ text: "kept", author: "ada" }]);
      const health = (await (await fetch(`${other.url}/health`)).json()) as object;
      expect(health).to.have.nested.property("checks.database.status", "healthy");
    } finally {
      await other.stop();
    }
  });
});

async function eventually<T>(look: () => T | undefined): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error("not within 15 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
