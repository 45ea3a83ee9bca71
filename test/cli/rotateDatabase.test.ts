import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readRecord, writeRecord } from "../../cli/record.js";
import { rotateDatabase } from "../../cli/rotateDatabase.ts";
import { findTrial, type Trial } from "../../cli/trial.ts";
import { record } from "./coreTrial.ts";

describe("hive rotate database", () => {
  let folder: string;
  let trial: Trial;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hive-rotate-"));
    writeRecord(folder, "dev", { root: join(folder, "data") });
    trial = findTrial("dev", folder);
    run("core", { DB_NAME: "core", DB_USER: "core" });
    run("helm", { DB_NAME: "logger", DB_USER: "logger" });
    run("nexus", { PORT: "1" });
    run("postgres", {});
    const url = "jdbc:postgresql://127.0.0.1:5433/key%20cloak?sslmode=verify-full";
    run("keycloak", { KC_DB_URL: url, KC_DB_USERNAME: "key cloak" });
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** A service as the supervisor has it. */
  function run(name: string, env: Readonly<Record<string, string>>): void {
    const definition = join(folder, "data", "services", name);
    mkdirSync(join(definition, "env"), { recursive: true });
    for (const [variable, value] of Object.entries(env)) {
      writeFileSync(join(definition, "env", variable), `${value}\n`);
    }
    const links = join(folder, "data", "service");
    mkdirSync(links, { recursive: true });
    rmSync(join(links, name), { force: true });
    symlinkSync(definition, join(links, name));
  }

  function rotate(name: string, json = false): string {
    const output = record();
    rotateDatabase(trial, name, { json }, output);
    return output.lines.join("\n");
  }

  const rotations = () => readRecord(folder, "dev")?.rotations;

  it("writes down whose turn it is and says what happens next", () => {
    expect(rotate("core")).to.equal(
      "core will sign in to core as core_second, with a new password; core is closed then.\n" +
        "  Next: `npm run up` makes it so (`npm run preview` shows what).",
    );
    expect(rotations()).to.deep.equal({ core: 1 });
  });

  it("is not begun twice: until an up has done it, it stays the same one", () => {
    rotate("core");
    run("core", { DB_NAME: "core", DB_USER: "core" });
    expect(rotate("core")).to.match(/^The rotation of core was begun before and is not done yet\./);
    expect(rotations()).to.deep.equal({ core: 1 });
    run("core", { DB_NAME: "core", DB_USER: "core_second" });
    rotate("core");
    expect(rotations()).to.deep.equal({ core: 2 });
  });

  it("takes the service's name too, and JSON", () => {
    expect(JSON.parse(rotate("helm", true))).to.deep.equal({
      database: "logger",
      service: "helm",
      rotation: 1,
      login: "logger_second",
      begun: false,
    });
  });

  it("says that Keycloak has to be restarted for it", () => {
    expect(rotate("keycloak")).to.include("sign-in waits for its restart");
    expect(rotations()).to.deep.equal({ "key cloak": 1 });
  });

  it("names the databases there are", () => {
    expect(() => rotate("cor")).to.throw(
      "There is no database cor. Did you mean core? There are: core, logger, key cloak.",
    );
    expect(rotations()).to.equal(undefined);
  });
});
