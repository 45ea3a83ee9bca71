import { expect } from "chai";

import { TestGateway, until } from "../../support/gateway.ts";

describe("a service that is down (weakness 40)", function () {
  this.timeout(30_000);
  let test: TestGateway;
  let cookie: string;
  beforeEach(async () => {
    test = await TestGateway.start({
      options: {
        upstreams: { headersTimeout: 300, connectTimeout: 1000, connections: 4, queue: 2 },
      },
    });
    cookie = test.core.signIn();
  });
  afterEach(() => test.close());

  const ask = () => test.ask("/codex/", { cookie });

  it("is not asked after five failures in a row, and again when it answers", async () => {
    let isDown = true;
    let calls = 0;
    test.service.stream = (request, response) => {
      calls += 1;
      if (isDown) request.socket.destroy();
      else response.writeHead(503).end("degraded is an answer");
    };
    for (let round = 0; round < 5; round += 1) expect((await ask()).status).to.equal(502);
    const before = calls;
    const refused = await ask();
    expect(refused.status).to.equal(503);
    expect(refused.headers["retry-after"]).to.equal("5");
    expect(JSON.parse(refused.body)).to.include({ code: "ERR_UPSTREAM_DOWN" });
    expect(calls).to.equal(before);
    expect(test.gateway.metrics.render()).to.match(/services_down 1\n/);
    expect(test.log.join()).to.include("a service is down");
    isDown = false;
    const deadline = Date.now() + 20_000;
    let body = "";
    while (body !== "degraded is an answer") {
      if (Date.now() > deadline) throw new Error("it does not come back");
      ({ body } = await ask());
    }
    await until(() => test.log.join().includes("a service is back"));
  });

  it("counts when it hangs, but not for what it answers", async () => {
    test.service.stream = (_request, response) => {
      response.writeHead(500).end();
    };
    for (let round = 0; round < 7; round += 1) expect((await ask()).status).to.equal(500);
    test.service.stream = () => undefined;
    for (let round = 0; round < 5; round += 1) expect((await ask()).status).to.equal(504);
    expect((await ask()).status).to.equal(503);
  });

  it("refuses what it cannot take, while all connections and places to wait are in use", async () => {
    test.service.stream = () => undefined;
    const asked = Array.from({ length: 4 }, ask);
    await until(() => test.gateway.metrics.render().includes("requests_active 4\n"));
    const waiting = [ask(), ask()];
    await until(() => test.gateway.metrics.render().includes("requests_active 6\n"));
    const { status, body } = await ask();
    expect([status, (JSON.parse(body) as { code: string }).code]).to.deep.equal([
      503,
      "ERR_UPSTREAM_BUSY",
    ]);
    await Promise.all([...asked, ...waiting]);
  });
});
