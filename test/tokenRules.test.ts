import { join } from "node:path";

import { expect } from "chai";
import { z } from "zod";

import { type App, readRegistry, registrySchema } from "../registry.ts";
import { tokenRulesOf, tokenSettings } from "../tokenRules.ts";
import { coreEnv } from "../runtime/core/config.ts";

const settings = z.object(tokenSettings);
const standard = settings.parse({});

function apps(own: Readonly<Record<string, Partial<App>>>): Readonly<Record<string, App>> {
  const { apps: platform } = readRegistry(join(import.meta.dirname, "..", "apps_registry.json"));
  const others = Object.entries(own).map(([name, app]) => [
    name,
    { description: "An app.", source: { directory: "x", command: ["x"] }, port: 5010, ...app },
  ]);
  const more = Object.fromEntries(others) as Record<string, unknown>;
  return registrySchema.parse({ apps: { ...platform, ...more } }).apps;
}

describe("the rules that core gets from registry and stack", () => {
  const { calls, audiences } = tokenRulesOf(
    apps({
      codex: { dependencies: ["core"] },
      ledger: { dependencies: ["codex"], audience: true },
      beacon: { calls: ["codex", "ledger"] },
      alone: { calls: [] },
    }),
    standard,
  );

  it("let a service call what it depends on, or what it names, and the logger", () => {
    expect(calls["ledger"]).to.deep.equal(["codex", "helm"]);
    expect(calls["beacon"]).to.deep.equal(["codex", "helm", "ledger"]);
    expect(calls["alone"]).to.deep.equal(["helm"]);
    expect(calls["codex"]).not.to.include("ledger");
  });

  it("let the gateway call everybody", () => {
    expect(calls["nexus"]).to.deep.equal(["alone", "beacon", "codex", "core", "helm", "ledger"]);
  });

  it("name in `aud` only who is marked", () => {
    expect(audiences).to.deep.equal(["ledger"]);
  });

  it("leave out whom the stack does not run", () => {
    const { codex, ledger } = apps({ codex: {}, ledger: { dependencies: ["codex"] } });
    expect(codex).not.to.equal(undefined);
    expect(tokenRulesOf({ ledger: ledger as App }, standard).calls).to.deep.equal({ ledger: [] });
  });

  for (const [key, text] of [
    ["userTokenLifetime", "599"],
    ["userTokenLifetime", "3601"],
    ["serviceTokenLifetime", "301"],
    ["sessionIdle", "59"],
    ["serviceTokensPerMinute", "9"],
    ["minting", "maybe"],
    ["callerKeys", '{"codex":{"kty":"RSA","d":"private"}}'],
    ["callerKeys", "{"],
    ["callerUsers", '{"codex":"hive","ledger":"hive"}'],
    ["callerUsers", '{"codex":"root"}'],
    ["unprovenCallers", "true"],
  ] as const) {
    it(`do not take ${key}: ${text}`, () => {
      const { success, error } = settings.safeParse({ [key]: text });
      expect(success).to.equal(false);
      expect(error?.issues[0]?.path[0]).to.equal(key);
    });
  }

  it("have the bounds and defaults of core itself", () => {
    for (const [key, variable] of [
      ["userTokenLifetime", "USER_TOKEN_LIFETIME"],
      ["serviceTokenLifetime", "SERVICE_TOKEN_LIFETIME"],
      ["sessionLifetime", "SESSION_LIFETIME"],
      ["sessionIdle", "SESSION_IDLE"],
      ["serviceTokensPerMinute", "SERVICE_TOKENS_PER_MINUTE"],
    ] as const) {
      const own: object = z.toJSONSchema(coreEnv.shape[variable], { io: "output" });
      const { description } = tokenSettings[key];
      const here = z.toJSONSchema(tokenSettings[key], { io: "output" });
      expect(here, key).to.deep.equal({ ...own, description });
    }
  });
});
