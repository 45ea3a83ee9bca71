import { expect } from "chai";

import { type CoreEnv, readCoreConfig } from "../../../runtime/core/config.ts";
import { ConfigError } from "../../../runtime/kernel/config.ts";

const secret = "a-secret-of-thirty-two-letters-or-more";

const env: CoreEnv = {
  PORT: "5000",
  DB_PORT: "5432",
  DB_NAME: "core",
  DB_USER: "core",
  DB_PASSWORD: "a password",
  KEYCLOAK_URL: "http://127.0.0.1:8080",
  KEYCLOAK_REALM: "hivematrix",
  KEYCLOAK_ISSUER: "https://localhost/keycloak/realms/hivematrix",
  KEYCLOAK_CLIENT_ID: "core-client",
  KEYCLOAK_CLIENT_SECRET: secret,
  ENCRYPTION_KEY: secret,
  GATEWAY_NAME: "nexus",
  CALLER_SECRETS: JSON.stringify({ nexus: secret, codex: secret }),
};

describe("core's environment", () => {
  const read = (changes: Partial<CoreEnv> = {}): ReturnType<typeof readCoreConfig> =>
    readCoreConfig({ ...env, ...changes } as Record<string, string>);

  it("has defaults for what has one", () => {
    expect(read()).to.deep.include({
      CALLER_SECRETS: { nexus: secret, codex: secret },
      SESSION_LIFETIME: 36_000,
      REFRESH_AFTER: 30,
      LOGGER_NAME: "helm",
    });
  });

  for (const [name, value, message] of [
    ["CALLER_SECRETS", `{"nexus": "${secret}"`, "must be JSON"],
    ["CALLER_SECRETS", `["${secret}"]`, "CALLER_SECRETS: "],
    ["CALLER_SECRETS", `{"nexus": "short"}`, "CALLER_SECRETS.nexus: "],
    ["CALLER_SECRETS", `{"NEXUS": "${secret}"}`, "CALLER_SECRETS.NEXUS: "],
    ["GATEWAY_NAME", "constructor", "GATEWAY_NAME: is none of CALLER_SECRETS"],
    ["ENCRYPTION_KEY", "short", "ENCRYPTION_KEY: "],
    ["SESSION_LIFETIME", "59", "SESSION_LIFETIME: "],
    ["REFRESH_AFTER", "301", "REFRESH_AFTER: "],
    ["KEYCLOAK_ISSUER", "hivematrix", "KEYCLOAK_ISSUER: "],
  ] as const) {
    it(`does not take ${name}=${value.replace(secret, "…")}`, () => {
      let told = "";
      try {
        read({ [name]: value });
      } catch (fault) {
        expect(fault).to.be.instanceOf(ConfigError);
        told = (fault as ConfigError).message;
      }
      expect(told).to.include(message).and.not.to.include(secret);
    });
  }
});
