import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";

import { expect } from "chai";

import { createLog } from "../../../runtime/kernel/log.ts";
import { LogClient, type LogClientOptions } from "../../../runtime/kernel/logClient.ts";

describe("createLog", () => {
  const sink = (): { lines: Record<string, unknown>[]; destination: Writable } => {
    const lines: Record<string, unknown>[] = [];
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    });
    return { lines, destination };
  };

  it("writes JSON with the service, the level's name and the time", () => {
    const { lines, destination } = sink();
    createLog("core", "info", destination).info({ port: 5000 }, "ready");
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({ service: "core", level: "info", port: 5000, msg: "ready" });
    expect(lines[0]?.["time"]).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it("leaves out what is below its level", () => {
    const { lines, destination } = sink();
    createLog("core", "warn", destination).info("ready");
    expect(lines).to.be.empty;
  });

  it("censors where secrets stand", () => {
    const { lines, destination } = sink();
    createLog("core", "info", destination).info({
      token: "hunter2",
      body: { password: "hunter2", access_token: "hunter2" },
      req: { headers: { authorization: "hunter2", cookie: "hunter2", host: "h" } },
    });
    expect(JSON.stringify(lines[0])).not.to.include("hunter2");
    expect(lines[0]).to.deep.include({ token: "[secret]" });
  });
});

describe("LogClient", () => {
  interface Sent {
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly body: {
      readonly service_name: string;
      readonly logs: readonly { level: string; message: string; timestamp: string }[];
    };
  }

  let sent: Sent[];
  /** What the logger answers, in order; the last one stays. A number below 0: no answer. */
  let answers: number[];
  let renewals: boolean[];
  let client: LogClient;

  const make = (options: Partial<LogClientOptions> = {}): LogClient =>
    new LogClient({
      url: "http://logger",
      service: "core",
      token: (renew) => {
        renewals.push(renew);
        return Promise.resolve("the-token");
      },
      interval: 0,
      fetch: (url, init) => {
        const status = answers.length > 1 ? answers.shift() : answers[0];
        if (status === undefined || status < 0) return Promise.reject(new Error("refused"));
        sent.push({
          url: url as string,
          headers: init?.headers as Record<string, string>,
          body: JSON.parse(init?.body as string) as Sent["body"],
        });
        return Promise.resolve(new Response("{}", { status }));
      },
      ...options,
    });

  const messages = (): string[] => sent.flatMap(({ body }) => body.logs.map((log) => log.message));

  const write = (count: number, to = client): void => {
    for (let i = 0; i < count; i += 1) to.write({ level: "INFO", message: `line ${String(i)}` });
  };

  const settled = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await turn();
  };

  beforeEach(() => {
    sent = [];
    answers = [200];
    renewals = [];
    client = make();
  });

  it("sends what was written as one batch, as the contract has it", async () => {
    write(3);
    await settled(() => sent.length > 0);
    expect(sent).to.have.length(1);
    expect(sent[0]).to.deep.include({
      url: "http://logger/api/logs/ingest",
      headers: { "content-type": "application/json", authorization: "Bearer the-token" },
    });
    expect(sent[0]?.body.service_name).to.equal("core");
    expect(messages()).to.deep.equal(["line 0", "line 1", "line 2"]);
    expect(sent[0]?.body.logs[0]?.timestamp).to.match(/Z$/);
    expect(client.waiting).to.equal(0);
  });

  it("sends batches of at most 500", async () => {
    write(1201);
    await settled(() => messages().length === 1201);
    expect(sent.map(({ body }) => body.logs.length)).to.deep.equal([500, 500, 201]);
  });

  it("keeps what a logger that is away did not take, in order", async () => {
    answers = [-1];
    write(2);
    await client.close();
    expect(sent).to.be.empty;
    client = make();
    write(2);
    await settled(() => client.waiting === 2);
    answers = [200];
    await client.close();
    expect(messages()).to.deep.equal(["line 0", "line 1"]);
    expect(client.dropped).to.equal(0);
  });

  it("drops the oldest when it is full, counts them, and tells when the logger is back", async () => {
    client = make({ capacity: 10, interval: 60_000 });
    write(25);
    expect(client.waiting).to.equal(10);
    expect(client.dropped).to.equal(15);
    await client.close();
    expect(sent[0]?.body.logs[0]).to.include({
      level: "WARNING",
      message: "15 log lines were dropped",
    });
    expect(messages().slice(1)).to.have.length(10).and.to.include("line 24");
    write(1);
    await client.close();
    expect(messages().slice(-1)).to.deep.equal(["line 0"]);
  });

  it("asks for a new token after a 401", async () => {
    answers = [401, 200];
    client = make({ interval: 60_000 });
    write(1);
    await client.close();
    write(1);
    await client.close();
    expect(renewals).to.deep.equal([false, true]);
  });

  it("does not send again what the logger refuses", async () => {
    answers = [413, 200];
    write(2);
    await settled(() => sent.length === 1 && client.dropped === 2);
    write(1);
    await client.close();
    expect(client.dropped).to.equal(2);
    expect(messages()).to.deep.equal(["line 0", "line 1", "2 log lines were dropped", "line 0"]);
  });

  it("counts as dropped what it could not send at the end", async () => {
    answers = [-1];
    client = make({ interval: 60_000 });
    write(3);
    await client.close();
    expect(client.dropped).to.equal(3);
    expect(client.waiting).to.equal(0);
  });

  it("never throws, also when there is no token", async () => {
    client = make({ token: () => Promise.reject(new Error("no core")), interval: 60_000 });
    write(1);
    await client.close();
    expect(client.dropped).to.equal(1);
  });
});
