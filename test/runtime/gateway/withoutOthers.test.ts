import { expect } from "chai";

import { LogClient } from "../../../runtime/kernel/logClient.ts";
import { TestGateway, window } from "../../support/gateway.ts";

/** peers 3.8: an outage of one part must neither let anybody in nor stop what has no need of it. */
describe("attack: a part that is away (peers 3.8)", () => {
  it("lets nobody in when core is not there from the start", async () => {
    const test = await TestGateway.start();
    const cookie = test.core.signIn();
    test.core.outage = 0;
    const { status, headers } = await test.ask("/codex/", { cookie });
    expect(status).to.equal(503);
    expect(headers["retry-after"]).to.equal("5");
    expect((await test.ask("/codex/", { cookie, headers: window })).body).to.include("503");
    expect(test.service.received).to.deep.equal([]);
    await test.close();
  });

  it("does not wait for a logger that does not answer", async () => {
    const logClient = new LogClient({
      url: "http://127.0.0.1:1",
      service: "nexus",
      token: () => new Promise(() => undefined),
      capacity: 5,
    });
    const client = { write: logClient.write.bind(logClient), close: () => Promise.resolve() };
    const test = await TestGateway.start({ options: { logClient: client } });
    const cookie = test.core.signIn();
    for (let round = 0; round < 20; round += 1) {
      expect((await test.ask("/codex/", { cookie })).status).to.equal(200);
    }
    expect(logClient.waiting).to.be.at.most(5);
    expect(logClient.dropped).to.be.greaterThan(10);
    await test.close();
  });
});
