import { once } from "node:events";
import { connect } from "node:tls";

import { expect } from "chai";

import { issueAuthority, issueCertificate } from "../../../provider/pki.ts";
import { TestGateway } from "../../support/gateway.ts";

async function issue(name: string) {
  const { certificate, privateKey } = await issueAuthority("Another", 1);
  const leaf = await issueCertificate({
    ...{ authorityCertificate: certificate, authorityKey: privateKey },
    ...{ names: [name], days: 31 },
  });
  return { certificate: leaf.certificate, key: leaf.privateKey };
}

describe("the gateway's certificate", () => {
  let test: TestGateway;

  beforeEach(async () => {
    test = await TestGateway.start();
  });
  afterEach(() => test.close());

  /** Whose certificate is shown to who asks for the name. */
  async function shown(servername: string): Promise<string> {
    const socket = connect({ port: test.port, servername, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  it("is taken up when its file has changed, while a connection goes on", async () => {
    const open = await test.connect();
    expect(await shown("own.test")).to.equal("hive.test");
    test.gateway.use({ ...test.files, ...(await issue("own.test")) });
    expect(await shown("own.test")).to.equal("own.test");
    open.write("GET /health/live HTTP/1.1\r\nhost: hive.test\r\nconnection: close\r\n\r\n");
    const [answer] = (await once(open, "data")) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1\.1 200 /);
    open.destroy();
  });

  it("is the local authority's for localhost, when there is one of somebody else's", async () => {
    const [own, local] = await Promise.all([issue("own.test"), issue("localhost")]);
    test.gateway.use({ ...test.files, ...own, local });
    expect(await shown("own.test")).to.equal("own.test");
    expect(await shown("localhost")).to.equal("localhost");
    expect(await shown("other.test")).to.equal("own.test");
    const broken = { certificate: "x", key: "y" };
    expect(() => {
      test.gateway.use({ ...test.files, local: broken });
    }).to.throw();
    expect(await shown("localhost")).to.equal("localhost");
  });
});
