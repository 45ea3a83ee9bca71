import { expect } from "chai";

import { addressKey, rewriteLocation } from "../../../runtime/gateway/location.ts";

const origin = new URL("https://hive.test");
const inner = new Map([
  [addressKey(new URL("http://127.0.0.1:5010")), "/codex"],
  [addressKey(new URL("http://localhost:5004")), "/helm"],
  [addressKey(new URL("http://10.0.0.2:8080")), "/keycloak"],
  [addressKey(origin), ""],
]);

describe("addresses in answers (weakness 35)", () => {
  const rewritten = {
    "http://localhost:5010/a?x=1#y": "https://hive.test/codex/a?x=1#y",
    "http://127.0.0.1:5010/": "https://hive.test/codex/",
    "http://[::1]:5010": "https://hive.test/codex/",
    "//localhost:5010/a": "https://hive.test/codex/a",
    "HTTP://LOCALHOST:5010/a": "https://hive.test/codex/a",
    "http://localhost:5010/codex/a": "https://hive.test/codex/a",
    "http://localhost:5010/codexes": "https://hive.test/codex/codexes",
    "http://localhost:5004/logs": "https://hive.test/helm/logs",
    "http://10.0.0.2:8080/realms/x": "https://hive.test/keycloak/realms/x",
    "https://hive.test:443/a": "https://hive.test/a",
  };
  for (const [given, expected] of Object.entries(rewritten)) {
    it(`leads ${given} to ${expected}`, () => {
      expect(rewriteLocation(given, origin, inner)).to.equal(expected);
    });
  }

  it("leaves everything else as it is", () => {
    for (const given of [
      ...["/codex/a", "a/b", "?x", "", "https://example.org/a", "http://localhost:5011/a"],
      ...["http://10.0.0.2:8081/", "mailto:a@b", "http://", "https://hive.test.evil/"],
    ]) {
      expect(rewriteLocation(given, origin, inner)).to.equal(given);
    }
  });
});
