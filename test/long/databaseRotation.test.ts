import { once } from "node:events";
import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { ask, secretOf } from "../support/databaseTrial.ts";
import { type Platform, sharedPlatform } from "../support/platform.ts";
import { eventually, type ExportedResource, type Trial } from "../support/trial.ts";

/** What was asked meanwhile, and what was not answered as it should be. */
interface Load {
  readonly asked: number;
  readonly faults: readonly string[];
  /** Lines that the logger said it keeps. */
  readonly kept: number;
}

describe("hive rotate database", function () {
  this.timeout(600_000);
  let platform: Platform;
  let trial: Trial;

  before(async () => {
    platform = await sharedPlatform();
    ({ trial } = platform);
  });

  const marker = `rotation ${String(process.pid)}`;

  /** Requests that need core's and the logger's database, one after the other, until the work is done. */
  async function whileAsking(work: Promise<unknown>): Promise<Load> {
    const { coreUrl = "", helmUrl = "" } = platform.outputs;
    const token = await serviceToken();
    const faults: string[] = [];
    let asked = 0;
    let kept = 0;
    let done = false;
    const loop = async (name: string, request: () => Promise<unknown>): Promise<void> => {
      while (!done) {
        asked += 1;
        await request().catch((fault: unknown) => faults.push(`${name}: ${String(fault)}`));
      }
    };
    const health = (url: string) => () => send(`${url}/health`);
    const ingest = async () => {
      const entry = { level: "INFO", message: marker, timestamp: new Date().toISOString() };
      const body = JSON.stringify({ service_name: "flasky", logs: [entry] });
      await send(`${helmUrl}/api/logs/ingest`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body,
      });
      kept += 1;
    };
    const loops = [
      loop("core", health(coreUrl)),
      loop("helm", health(helmUrl)),
      loop("line", ingest),
    ];
    await work.finally(() => {
      done = true;
    });
    await Promise.all(loops);
    return { asked, faults, kept };
  }

  /** As the Flask service asks for one. */
  async function serviceToken(): Promise<string> {
    const resource = (await secrets()).find(({ urn }) => urn.endsWith("::callers-flasky"));
    const { value } = resource?.outputs as { value: { plaintext: string } };
    const secret = JSON.parse(value.plaintext) as string;
    const answer = await fetch(
      `${platform.outputs["coreUrl"] ?? ""}/as/flasky/${secret}/service-token`,
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ calling_service: "flasky", target_service: "helm" }),
      },
    );
    expect(answer.status).to.equal(200);
    return ((await answer.json()) as { token: string }).token;
  }

  const secrets = (): Promise<readonly ExportedResource[]> => trial.resources("--show-secrets");

  async function code(user: string, password: string, database: string): Promise<string> {
    try {
      await ask({ port: trial.portBase + 5, user, password, database }, "SELECT 1");
      return "in";
    } catch (fault) {
      return (fault as { code?: string }).code ?? "";
    }
  }

  async function up(): Promise<void> {
    const { code: exit, text: said } = await trial.run("up");
    expect(exit, said).to.equal(0);
  }

  it("loses no request and no line, and leaves nothing for the next up", async () => {
    const before = await secrets();
    for (const name of ["core", "logger"]) {
      const { code: exit, text: said } = await trial.hive("rotate", "database", name);
      expect(exit, said).to.equal(0);
      expect(said).to.include(`${name}_second`);
    }
    const load = await whileAsking(up());
    console.log(`      ${String(load.asked)} requests, ${String(load.kept)} lines`);
    expect(load.faults).to.deep.equal([]);
    expect(load.asked).to.be.above(100);

    const after = await secrets();
    for (const name of ["core", "logger"]) {
      const [former, next] = [`${name}-db-password`, `${name}-db-password-second`];
      // 28000: it may not sign in any more.
      expect(await code(name, secretOf(before, former), name)).to.equal("28000");
      expect(await code(`${name}_second`, secretOf(after, next), name)).to.equal("in");
    }
    const password = secretOf(after, "logger-db-password-second");
    const access = {
      port: trial.portBase + 5,
      user: "logger_second",
      database: "logger",
      password,
    };
    await eventually("every line is found", 30, async () => {
      const [row] = await ask(
        access,
        "SELECT count(*)::int AS n FROM log_entries WHERE message = $1",
        [marker],
      );
      return row?.["n"] === load.kept;
    });
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });

  it("killed half-way, is finished by the same command, once", async () => {
    const before = secretOf(await secrets(), "core-db-password");
    await trial.hive("rotate", "database", "core");
    const first = trial.start("up");
    await eventually("the new password is made", 120, () =>
      Promise.resolve(/core-db-password updated/.test(first.text)),
    );
    first.signal("SIGKILL");
    await first.ended;
    // Whoever asks for it again does not begin a second one.
    const again = await trial.hive("rotate", "database", "core", "--json");
    expect(JSON.parse(again.text)).to.include({ rotation: 2, begun: true, login: "core" });
    await up();
    const after = secretOf(await secrets(), "core-db-password");
    expect(after).not.to.equal(before);
    expect(await code("core", before, "core")).to.equal("28P01");
    expect(await code("core", after, "core")).to.equal("in");
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });

  it("of Keycloak and of a service that is not ours: each is restarted once and is well", async () => {
    for (const name of ["keycloak", "flasky"]) await trial.hive("rotate", "database", name);
    await up();
    const answer = await fetch(`${platform.flasky}/health`);
    expect(((await answer.json()) as { checks: object }).checks).to.have.nested.property(
      "database.status",
      "healthy",
    );
    const after = await secrets();
    for (const name of ["keycloak", "flasky"]) {
      expect(await code(name, secretOf(after, `${name}-db-password`), name)).to.equal("28000");
    }
    const preview = await trial.run("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.text).to.equal(0);
  });
});

/**
 * On a connection of its own: one that is kept open and idle may be closed at the very moment that its
 * client uses it again, which every client has to expect (RFC 9112, 9.6).
 * @throws Error when the answer is not 200
 */
async function send(url: string, options: { body?: string } & RequestOptions = {}): Promise<void> {
  const { body, ...others } = options;
  const asked = request(url, { agent: false, timeout: 20_000, ...others });
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const said = await text(answer);
  if (answer.statusCode !== 200) throw new Error(`${String(answer.statusCode)} ${said}`);
}
