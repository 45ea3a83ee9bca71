import { createServer as createPlain, type Server } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { attempt } from "../../provider/attempt.ts";
import { issueAuthority, issueCertificate } from "../../provider/pki.ts";
import { LocalTransport } from "../../provider/transport/local.ts";

/** Counts connections: those of a check have to be the host's own. */
class CountingTransport extends LocalTransport {
  count = 0;

  override connect(
    ...args: Parameters<LocalTransport["connect"]>
  ): ReturnType<LocalTransport["connect"]> {
    this.count += 1;
    return super.connect(...args);
  }
}

describe("provider: an attempt at a check", () => {
  const servers: Server[] = [];
  let transport: CountingTransport;

  beforeEach(() => {
    transport = new CountingTransport();
  });

  after(() => {
    for (const server of servers) server.close();
  });

  function listen(server: Server): Promise<number> {
    servers.push(server);
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  function look(url: string, certificateAuthority?: string): Promise<string | undefined> {
    const http = { url, ...(certificateAuthority === undefined ? {} : { certificateAuthority }) };
    return attempt(transport, { http }, AbortSignal.timeout(5000), undefined);
  }

  it("asks by a connection of the host's, and minds the status", async () => {
    const port = await listen(
      createPlain((request, response) => {
        response.statusCode = request.url === "/ready" ? 200 : 503;
        response.end();
      }),
    );
    const url = `http://localhost:${String(port)}`;
    expect(await look(`${url}/ready`)).to.equal(undefined);
    expect(await look(`${url}/other`)).to.equal(`${url}/other answers 503 instead of 200`);
    expect(transport.count).to.equal(2);
  });

  it("trusts the authority it is told of, and no certificate that another one signed", async () => {
    const authority = await issueAuthority("test", 1);
    const leaf = await issueCertificate({
      authorityCertificate: authority.certificate,
      authorityKey: authority.privateKey,
      names: ["localhost"],
      days: 1,
    });
    const port = await listen(
      createSecure({ cert: leaf.certificate, key: leaf.privateKey }, (_request, response) => {
        response.end();
      }),
    );
    const url = `https://localhost:${String(port)}/`;
    expect(await look(url, authority.certificate)).to.equal(undefined);
    expect(await look(url)).to.match(/certificate/);
    expect(await look(url, (await issueAuthority("other", 1)).certificate)).to.match(/certificate/);
    expect(transport.count).to.equal(3);
  });

  it("says so when nobody listens", async () => {
    expect(await look("http://127.0.0.1:1/")).to.contain("ECONNREFUSED");
  });
});
