import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { alignColumns, describeSeconds } from "../../cli/output.ts";
import { isReady } from "../../cli/readiness.ts";
import { writeRecord } from "../../cli/record.js";
import { parseStatus } from "../../cli/serviceState.ts";
import { describeStatus, isWell, type Status } from "../../cli/status.ts";
import { findSupervisor } from "../../cli/supervisor.ts";
import { chooseServices, findNearest, findTrial, listServices } from "../../cli/trial.ts";

describe("the trial as hive sees it", () => {
  let checkout: string;

  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), "hive-"));
  });

  afterEach(() => {
    rmSync(checkout, { recursive: true });
  });

  function provision(...services: string[]) {
    const root = join(checkout, "data");
    writeRecord(checkout, "dev", { root, portBase: 26_000 });
    mkdirSync(join(root, "service"), { recursive: true });
    for (const name of services) {
      mkdirSync(join(root, "services", name), { recursive: true });
      symlinkSync(join(root, "services", name), join(root, "service", name));
    }
    return findTrial("dev", checkout);
  }

  it("needs a set-up, but neither state nor passphrase", () => {
    expect(() => findTrial("dev", checkout)).to.throw(
      "Stack dev is not set up in this checkout: run `npm run up`.",
    );
    expect(provision("postgres")).to.deep.include({ stack: "dev", root: join(checkout, "data") });
  });

  it("lists services by name and takes all when none is named", () => {
    const trial = provision("postgres", "keycloak");
    expect(listServices(trial)).to.deep.equal(["keycloak", "postgres"]);
    expect(chooseServices(trial, [])).to.deep.equal(["keycloak", "postgres"]);
    expect(chooseServices(trial, ["postgres", "postgres"])).to.deep.equal(["postgres"]);
  });

  it("names the nearest to an unknown service, and all there are", () => {
    const trial = provision("postgres", "keycloak");
    expect(() => chooseServices(trial, ["postgre"])).to.throw(
      "There is no service postgre. Did you mean postgres? There are: keycloak, postgres.",
    );
    expect(() => chooseServices(trial, ["xyz"])).to.throw(
      "There is no service xyz. There are: keycloak, postgres.",
    );
    expect(findNearest("keyclaok", ["keycloak", "postgres"])).to.equal("keycloak");
  });

  it("says when there are none yet", () => {
    expect(() => chooseServices(provision(), [])).to.throw("Stack dev has no services yet");
  });

  it("does not take another's supervisor for its own", () => {
    expect(findSupervisor(provision())).to.equal(undefined);
  });

  describe("sv status", () => {
    for (const [text, expected] of [
      [
        "run: /r/service/postgres: (pid 12) 45s; run: log: (pid 11) 46s\n",
        { state: "run", pid: 12, seconds: 45 },
      ],
      [
        "down: /r/service/x: 3s, normally up; run: log: (pid 1) 9s\n",
        { state: "down", seconds: 3 },
      ],
      ["finish: /r/service/x: (pid 7) 1s\n", { state: "finish", pid: 7, seconds: 1 }],
      [
        "warning: /r/service/x: unable to open supervise/ok: file does not exist\n",
        { state: "unsupervised" },
      ],
      ["fail: /r/service/x: runsv not running\n", { state: "unsupervised" }],
    ] as const) {
      it(`reads ${text.slice(0, 30)}…`, () => {
        const empty = { pid: undefined, seconds: undefined };
        expect(parseStatus("x", text)).to.deep.equal({ name: "x", ...empty, ...expected });
      });
    }
  });

  it("asks a service at the address the platform says", async () => {
    const trial = provision("core", "helm", "other");
    const server = createServer((_request, response) => response.end());
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        resolve((server.address() as { port: number }).port);
      });
    });
    const addresses = {
      core: `http://127.0.0.1:${String(port)}/health`,
      helm: "http://127.0.0.1:1/health",
    };
    writeFileSync(join(trial.root, "health.json"), JSON.stringify(addresses));
    try {
      expect(await isReady(trial, "core")).to.equal(true);
      expect(await isReady(trial, "helm")).to.equal(false);
      expect(await isReady(trial, "other")).to.equal(undefined);
      expect(await isReady(trial, "postgres")).to.equal(false);
    } finally {
      server.close();
    }
  });

  describe("status", () => {
    const plain = {
      line: () => undefined,
      rewrite: () => undefined,
      green: (text: string) => text,
      red: (text: string) => text,
      yellow: (text: string) => text,
      blue: (text: string) => text,
      dim: (text: string) => text,
    };
    const service = { name: "postgres", state: "run", ready: true, pid: 12, seconds: 90 } as const;
    const status: Status = {
      stack: "dev",
      root: "/r",
      supervisor: { running: true, pid: 3 },
      services: [{ ...service, name: "keycloak", ready: null, pid: 1234 }, service],
      urls: { keycloak: "http://127.0.0.1:8080/admin/" },
      alerts: null,
    };

    it("is a table with one line a service", () => {
      expect(describeStatus(status, plain)).to.deep.equal([
        "supervisor running (pid 3)",
        "✓ keycloak  running  pid 1234  1 min  http://127.0.0.1:8080/admin/",
        "✓ postgres  running  pid 12    1 min",
      ]);
    });

    it("is well only when everything runs and is ready", () => {
      expect(isWell(status)).to.equal(true);
      expect(isWell({ ...status, services: [{ ...service, ready: false }] })).to.equal(false);
      expect(isWell({ ...status, services: [{ ...service, state: "down" }] })).to.equal(false);
      expect(isWell({ ...status, supervisor: { running: false, pid: null } })).to.equal(false);
      expect(isWell({ ...status, services: [] })).to.equal(false);
    });

    it("tells times as a person would", () => {
      const times = [5, 125, 3 * 3600 + 300, 50 * 3600].map(describeSeconds);
      expect(times).to.deep.equal(["5 s", "2 min", "3 h 5 min", "2 d 2 h"]);
    });

    it("keeps columns aligned", () => {
      expect(alignColumns([["a", "bb"], ["ccc"]])).to.deep.equal(["a    bb", "ccc"]);
    });
  });
});
