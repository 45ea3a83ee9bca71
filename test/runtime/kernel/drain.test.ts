import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "chai";

/** A service whose every answer takes 300 ms; it writes its port when it listens. */
const program = `
  import { createServer } from "node:http";
  import { createLog } from "./runtime/kernel/log.ts";
  import { serve } from "./runtime/kernel/server.ts";
  const server = createServer((_request, response) => {
    process.stdout.write("asked\\n");
    setTimeout(() => response.end("whole"), 300);
  });
  server.keepAliveTimeout = 60_000;
  server.once("listening", () => process.stdout.write(server.address().port + "\\n"));
  await serve({
    listeners: [{ server, host: "127.0.0.1" }],
    port: 0,
    log: createLog("test", "error"),
    close: () => Promise.resolve(),
  });
`;

describe("the end of a service", () => {
  it("waits for the request under way, not for the client to let go of its connection", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: new URL("../../../", import.meta.url),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    const agent = new Agent({ keepAlive: true });
    const asking = request({ host: "127.0.0.1", port: Number(port), agent }).end();
    const answered = once(asking, "response") as Promise<[IncomingMessage]>;
    await once(child.stdout, "data");
    const begin = Date.now();
    child.kill("SIGTERM");
    const [response] = await answered;
    expect(await text(response)).to.equal("whole");
    expect(await ended).to.deep.equal([0, null]);
    expect(Date.now() - begin).to.be.lessThan(5000);
    agent.destroy();
  });
});
