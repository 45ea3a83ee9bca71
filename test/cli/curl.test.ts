import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createPlain, type IncomingMessage } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import { askService } from "../../cli/curl.ts";
import type { Trial } from "../../cli/trial.ts";
import { issueAuthority, issueCertificate } from "../../provider/pki.ts";
import { claimsOf } from "../runtime/core/testCore.ts";
import { CoreTrial, failure } from "./coreTrial.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly token: string;
}

describe("hive curl", () => {
  let stand: CoreTrial;
  let trial: Trial;
  let gateway: Server;
  let service: Server;
  let gatewayStatus = 200;
  const seen: Record<"gateway" | "service", Seen[]> = { gateway: [], service: [] };

  const note = ({ method, url, headers }: IncomingMessage): Seen => {
    return { method, url, token: headers.authorization?.slice("Bearer ".length) ?? "" };
  };

  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  before(async () => {
    stand = await CoreTrial.start();
    await (await stand.platform.core()).close();
    const authority = await issueAuthority("Test", 1);
    const { certificate, privateKey } = await issueCertificate({
      authorityCertificate: authority.certificate,
      authorityKey: authority.privateKey,
      names: ["localhost"],
      days: 1,
    });
    gateway = createSecure({ cert: certificate, key: privateKey }, (request, response) => {
      seen.gateway.push(note(request));
      response.writeHead(gatewayStatus).end("from the gateway");
    }).listen(0, "localhost");
    service = createPlain((request, response) => {
      seen.service.push(note(request));
      response.end("from the service");
    }).listen(0, "127.0.0.1");
    await Promise.all([once(gateway, "listening"), once(service, "listening")]);
    trial = { ...stand.trial, ports: { ...stand.trial.ports, gateway: portOf(gateway) } };
    mkdirSync(join(trial.root, "tls"));
    writeFileSync(join(trial.root, "tls", "ca.crt"), authority.certificate);
    const codex = `http://127.0.0.1:${String(portOf(service))}/health`;
    writeFileSync(join(trial.root, "health.json"), JSON.stringify({ codex }));
  });

  beforeEach(() => {
    gatewayStatus = 200;
    seen.gateway.length = 0;
    seen.service.length = 0;
  });

  after(async () => {
    gateway.close();
    service.close();
    await stand.close();
  });

  it("asks the gateway, trusting its authority alone, with a token of one minute", async () => {
    const { status, body } = await askService(trial, "/codex/api/x?y=1", {});
    expect([status, body.toString()]).to.deep.equal([200, "from the gateway"]);
    expect(seen.gateway[0]).to.include({ method: "GET", url: "/codex/api/x?y=1" });
    const claims = claimsOf(seen.gateway[0]?.token ?? "");
    expect(claims).to.include({ permission_level: "admin", minted: true });
    expect(Number(claims["exp"]) - Number(claims["iat"])).to.equal(60);
    expect(seen.service).to.deep.equal([]);
  });

  it("asks the service itself where the gateway takes no token", async () => {
    gatewayStatus = 401;
    const { body } = await askService(trial, "/codex/api/x?y=1", { data: "{}", level: "client" });
    expect(body.toString()).to.equal("from the service");
    expect(seen.service[0]).to.include({ method: "POST", url: "/api/x?y=1" });
    expect(claimsOf(seen.service[0]?.token ?? "")).to.include({ permission_level: "client" });
    await askService(trial, "/codex", {});
    expect(seen.service[1]).to.include({ method: "GET", url: "/" });
  });

  it("gives the gateway's answer for a service that nobody knows", async () => {
    gatewayStatus = 401;
    expect((await askService(trial, "/nobody/", {})).status).to.equal(401);
  });

  it("says in one sentence what is wrong", async () => {
    expect((await failure(askService(trial, "codex", {}))).exitCode).to.equal(2);
    const away = { ...trial, ports: { ...trial.ports, gateway: 1 } };
    const fault = await failure(askService(away, "/codex/", {}));
    expect(fault.message).to.match(/^https:\/\/localhost:1 does not answer/);
  });
});
