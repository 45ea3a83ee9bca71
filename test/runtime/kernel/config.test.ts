import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { z } from "zod";

import {
  ConfigError,
  databaseEnv,
  origin,
  readConfig,
  serverEnv,
} from "../../../runtime/kernel/config.ts";

const schema = z.object({ ...serverEnv, ...databaseEnv, URL: origin });

const env = {
  PORT: "5000",
  DB_PORT: "5432",
  DB_NAME: "core",
  DB_USER: "core",
  DB_PASSWORD: "a password",
  URL: "http://127.0.0.1:8080",
  HOME: "/nowhere",
};

function faultOf(changes: Readonly<Record<string, string | undefined>>): string {
  try {
    readConfig(schema, { ...env, ...changes });
  } catch (fault) {
    expect(fault).to.be.instanceOf(ConfigError);
    return (fault as ConfigError).message;
  }
  throw new Error("The environment was accepted");
}

describe("readConfig", () => {
  it("gives typed values and defaults, and nothing else", () => {
    expect(readConfig(schema, env)).to.deep.equal({
      PORT: 5000,
      LOG_LEVEL: "info",
      DB_HOST: "127.0.0.1",
      DB_PORT: 5432,
      DB_NAME: "core",
      DB_USER: "core",
      DB_PASSWORD: "a password",
      URL: "http://127.0.0.1:8080",
    });
  });

  it("names every fault at once", () => {
    const message = faultOf({ PORT: "0", DB_NAME: "", DB_PASSWORD: undefined });
    expect(message.split("\n").map((line) => line.split(":")[0])).to.deep.equal([
      "The environment is not usable",
      "PORT",
      "DB_NAME",
      "DB_PASSWORD",
    ]);
  });

  it("never says what it found", () => {
    const message = faultOf({ LOG_LEVEL: "hunter2", URL: "hunter2", PORT: "hunter2" });
    expect(message).to.include("LOG_LEVEL: ").and.not.to.include("hunter2");
  });

  for (const url of ["ftp://host", "host:80", "/path", "javascript:alert(1)"]) {
    it(`does not take ${url} for an address`, () => {
      expect(faultOf({ URL: url })).to.match(/\nURL: /);
    });
  }

  it("takes slashes from the end of an address", () => {
    expect(readConfig(schema, { ...env, URL: "https://host/keycloak//" })).to.include({
      URL: "https://host/keycloak",
    });
  });

  it("wants an absolute path for what is written when ready", () => {
    expect(faultOf({ READY_FILE: "ready" })).to.include("READY_FILE");
  });

  it("takes variables from the files that systemd hands over, and never shows them", () => {
    const folder = mkdtempSync(join(tmpdir(), "hivematrix-credentials-"));
    try {
      writeFileSync(join(folder, "DB_PASSWORD"), "from a file");
      writeFileSync(join(folder, "URL"), "hidden");
      const given = { ...env, DB_PASSWORD: undefined, CREDENTIALS_DIRECTORY: folder };
      const message = faultOf(given);
      expect(message).to.match(/URL: /).and.not.include("hidden");
      rmSync(join(folder, "URL"));
      expect(readConfig(schema, given)).to.include({ DB_PASSWORD: "from a file", URL: env.URL });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
