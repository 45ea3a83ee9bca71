import { expect } from "chai";

import { decide } from "../../../runtime/gateway/access.ts";
import { TestGateway } from "../../support/gateway.ts";

describe("what the registry says of a service", () => {
  let test: TestGateway;
  beforeEach(async () => {
    test = await TestGateway.start({
      routes: [
        {
          name: "ledger",
          title: "Ledger",
          groups: ["billing", "client"],
          rules: [
            { path: "/admin", groups: ["billing"] },
            { path: "/admin/open", methods: ["GET"], groups: ["client"] },
            { path: "/api", methods: ["DELETE", "PUT"], groups: [] },
          ],
        },
        { name: "files", title: "Files", groups: ["client"], encodedSlash: true, bodyLimit: 0 },
        { name: "slow", title: "Slow", groups: ["client"], timeout: 1 },
      ],
    });
  });
  afterEach(() => test.close());

  it("is who may use which path by which method; the longest path counts", async () => {
    const [billing, client] = [test.core.signIn(["billing"]), test.core.signIn(["client"])];
    const table: readonly (readonly [string, string, string, number])[] = [
      ["GET", "/ledger/", client, 200],
      ["GET", "/ledger/admin", client, 403],
      ["GET", "/ledger/admin/x", client, 403],
      ["GET", "/ledger/administrator", client, 200],
      ["GET", "/ledger/admin/x", billing, 200],
      ["GET", "/ledger/admin/open", client, 200],
      ["HEAD", "/ledger/admin/open", client, 200],
      ["POST", "/ledger/admin/open", client, 403],
      ["GET", "/ledger/admin/open", billing, 403],
      ["GET", "/ledger/%61dmin", client, 403],
      ["DELETE", "/ledger/api/1", billing, 403],
      ["POST", "/ledger/api/1", billing, 200],
    ];
    for (const [method, path, cookie, status] of table) {
      expect((await test.ask(path, { method, cookie })).status, `${method} ${path}`).to.equal(
        status,
      );
    }
  });

  it("prefers of two rules for one path that for some methods", () => {
    const rule = {
      groups: ["a"],
      public: [],
      rules: [
        { path: "/x", methods: ["POST"], groups: ["b"] },
        { path: "/x/", groups: ["c"] },
      ],
    };
    expect(decide(rule, ["b"], "/x/1", "POST").allowed).to.equal(true);
    expect(decide(rule, ["c"], "/x/1", "POST").allowed).to.equal(false);
    expect(decide(rule, ["c"], "/x/1", "GET").allowed).to.equal(true);
  });

  it("lets %2F through where it is allowed, and decides on it as it is", async () => {
    const cookie = test.core.signIn(["client"]);
    expect((await test.ask("/files/a%2Fb%2fc/d", { cookie })).status).to.equal(200);
    expect(test.service.only.url).to.equal("/a%2Fb%2fc/d");
    for (const path of [
      "/files/..%2Fb",
      "/files/a%2F..%2Fb",
      "/files/a%5cb",
      "/files/%2f%00",
      "/ledger/a%2Fb",
    ]) {
      expect((await test.ask(path, { cookie })).status, path).to.equal(400);
    }
    // `/display%2Fx` is no path below `/display`.
    const { normalRest } = await import("../../../runtime/gateway/requestPath.ts").then(
      ({ readTarget }) => readTarget("/files/display%2Fx", () => true),
    );
    expect(decide({ groups: [], public: ["/display"] }, undefined, normalRest).allowed).to.equal(
      false,
    );
  });

  it("is how much it takes and how long it may take", async () => {
    const cookie = test.core.signIn(["client"]);
    const { status } = await test.ask("/files/", { method: "POST", cookie, body: "x" });
    expect(status).to.equal(413);
    test.service.stream = () => undefined;
    expect((await test.ask("/slow/", { cookie })).status).to.equal(504);
  });
});
