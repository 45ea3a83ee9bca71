import { expect } from "chai";

import { isSecretName, redact } from "../../../runtime/logger/redaction.ts";

const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

describe("redaction", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["GET /as/codex/S3CRET/service-token 200", "GET /as/codex/[secret]/service-token 200"],
    ["GET /as/codex/S3CRET", "GET /as/codex/[secret]"],
    [`Authorization: Bearer ${jwt}`, "Authorization: Bearer [secret]"],
    ["authorization: Basic Y29kZXg6c2VjcmV0", "authorization: Basic [secret]"],
    [`/?next=${jwt}&a=1`, "/?next=[secret]&a=1"],
    [`cut off ${jwt.slice(0, 40)}`, "cut off [secret]"],
    ["password=hunter2 user=a", "password=[secret] user=a"],
    ["DB_PASSWORD=hunter2", "DB_PASSWORD=[secret]"],
    ["client_secret=abc&code=1", "client_secret=[secret]&code=1"],
    [`{"password": "a \\" b", "x": 1}`, `{"password": "[secret]", "x": 1}`],
    [`password="a b" x`, `password="[secret]" x`],
    ["Cookie: __Host-hive=abc; session=d", "Cookie: [secret]"],
    ["Set-Cookie: a=b; Path=/\nnext line", "Set-Cookie: [secret]\nnext line"],
    [`{"cookie":"a=b; c=d","url":"/"}`, `{"cookie":"[secret]","url":"/"}`],
    ["postgresql://core:hunter2@127.0.0.1/core", "postgresql://core:[secret]@127.0.0.1/core"],
    ["the password was changed", "the password was changed"],
    ["at 10:15 in /as/ we go", "at 10:15 in /as/ we go"],
  ];
  for (const [text, expected] of texts) {
    it(`makes ${expected} of what is said`, () => {
      expect(redact(text)).to.equal(expected);
    });
  }

  it("knows names whose values are secret, also as the end of a longer one", () => {
    const names = ["password", "Authorization", "access_token", "KEYCLOAK_CLIENT_SECRET"];
    expect(names.filter(isSecretName)).to.deep.equal(names);
    expect(["tokens", "message", "path", "user_id"].filter(isSecretName)).to.deep.equal([]);
  });

  it("ends soon whatever is in the text", () => {
    const tricky = ["eyJ-", "a-", "password", "cookie ", "://a:", '\\"', "/as/a/", "bearer "];
    for (const piece of tricky) {
      // With an expression that tries all ways this would take hours; the test's time is bounded.
      expect(redact(piece.repeat(20_000 / piece.length))).to.be.a("string");
    }
  });
});
