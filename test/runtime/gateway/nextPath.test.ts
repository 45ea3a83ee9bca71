import { expect } from "chai";
import fc from "fast-check";

import { readNext } from "../../../runtime/gateway/nextPath.ts";

const origin = new URL("https://hive.test");

describe("where a sign-in leads (open redirect, weakness 2)", () => {
  it("is a path of this origin, with query and fragment", () => {
    for (const path of ["/", "/codex/", "/codex/a%20b?x=1&x=2#part", "/beacon/?next=//x"]) {
      expect(readNext([path], origin)).to.equal(path);
    }
  });

  it("is the start page when it would lead elsewhere", () => {
    const elsewhere = [
      "",
      "codex",
      "https://evil.test/",
      "//evil.test",
      "///evil.test",
      "/\\evil.test",
      "\\\\evil.test",
      "/\t/evil.test",
      "/\n/evil.test",
      "\t//evil.test",
      "/.//evil.test",
      "/x/..//evil.test",
      "/%2e//evil.test",
      "javascript:alert(1)",
      "/\u0000",
      `/${"a".repeat(3000)}`,
    ];
    for (const path of elsewhere) {
      expect(readNext([path], origin), JSON.stringify(path)).to.equal("/");
    }
    expect(readNext([], origin)).to.equal("/");
    expect(readNext(["/codex/", "//evil.test"], origin)).to.equal("/");
  });

  it("is never a way out of the session that has just begun", () => {
    for (const path of ["/logout", "/logout?x", "/login", "/keycloak-callback?code=1"]) {
      expect(readNext([path], origin), path).to.equal("/");
    }
    expect(readNext(["/logouts/"], origin)).to.equal("/logouts/");
  });

  it("stays within the origin whatever is given", () => {
    const part = fc.constantFrom(
      "/",
      "\\",
      ".",
      "..",
      "%2f",
      "%5c",
      "\t",
      "\n",
      "@",
      ":",
      "evil.test",
      "https:",
      "?",
      "#",
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(part, fc.string({ maxLength: 2 })), { maxLength: 8 }),
        (parts) => {
          const next = readNext([`/${parts.join("")}`], origin);
          // As a browser resolves the Location it is sent.
          expect(new URL(next, "https://hive.test/keycloak-callback?x").origin).to.equal(
            origin.origin,
          );
          expect(next).to.match(/^\/(?!\/)/);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
