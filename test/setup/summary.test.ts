import { createServer, type Server } from "node:http";

import { expect } from "chai";

import { describeLeft } from "../../setup/down.ts";
import { describeLeftOnHost } from "../../setup/downRealHost.ts";
import { quote } from "../../setup/pulumiCommand.ts";
import {
  describeOutputs,
  describeRealOutputs,
  parseOutputs,
  probeAddresses,
} from "../../setup/summary.ts";
import { openTerminal } from "../../setup/terminal.js";
import { chooseArguments } from "../../setup/up.ts";

const terminal = openTerminal({ write: () => true });

describe("what up and down say", () => {
  let server: Server;
  let url: string;

  before((done) => {
    server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1", () => {
      url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
      done();
    });
  });

  after(() => {
    server.close();
  });

  it("marks the addresses that answer", async () => {
    const outputs = parseOutputs(
      JSON.stringify({ keycloakAdminUrl: url, gatewayUrl: "https://localhost:1" }),
    );
    const answering = await probeAddresses(outputs);
    const lines = describeOutputs(outputs, answering, { announce: false, terminal });
    expect(lines).to.include(`✓ Keycloak    ${url}`);
    expect(lines).to.include("○ HiveMatrix  https://localhost:1  no answer");
    expect(lines.at(-1)).to.contain("npx hive status");
  });

  it("shows the one-time password once", () => {
    const outputs = parseOutputs(
      '{"adminUsername":"admin","adminPassword":"pass-word","caCertificatePath":"/r/ca.crt","gatewayUrl":"https://localhost:8000"}',
    );
    const first = describeOutputs(outputs, new Map(), { announce: true, terminal }).join("\n");
    expect(first).to.contain("pass-word   (one-time").and.to.contain("sudo cp /r/ca.crt");
    expect(first).to.contain("sign in at https://localhost:8000");
    const later = describeOutputs(outputs, new Map(), { announce: false, terminal }).join("\n");
    expect(later).not.to.contain("pass-word");
    expect(later).to.contain("pulumi stack output adminPassword --show-secrets");
  });

  it("asks nothing in a trial unless the user wants to be asked", () => {
    const quiet = ["--yes", "--skip-preview"];
    const look = ["--refresh", "--run-program"];
    expect(chooseArguments({ yes: undefined }, false, true)).to.deep.equal(quiet);
    expect(chooseArguments({ yes: undefined }, true, true)).to.deep.equal([...quiet, ...look]);
    expect(chooseArguments({ yes: false }, true, true)).to.deep.equal(look);
    expect(chooseArguments({ yes: false }, true, false)).to.deep.equal([...quiet, ...look]);
  });

  it("lists what down leaves, with the command that removes it", () => {
    const lines = describeLeft({ checkout: "/nowhere", kept: "/data/dev", packages: ["runit"] });
    expect(lines.join("\n"))
      .to.contain("rm -rf /data/dev")
      .and.to.contain("sudo apt-get purge runit");
  });

  it("shows commands as a person would type them", () => {
    expect(["--stack", "dev", "a b", "it's", "urn:*"].map(quote)).to.deep.equal([
      "--stack",
      "dev",
      "'a b'",
      "'it'\\''s'",
      "'urn:*'",
    ]);
  });

  it("asks before a real host is changed, and looks first once there is something", () => {
    expect(chooseArguments({ yes: undefined }, false, true, true)).to.deep.equal([]);
    // The user's own --yes is passed on.
    expect(chooseArguments({ yes: true }, true, false, true)).to.deep.equal([
      "--refresh",
      "--run-program",
    ]);
  });

  it("tells of a real host only what can be reached from here", () => {
    const outputs = parseOutputs(
      JSON.stringify({
        gatewayUrl: "https://hive.example",
        coreUrl: "http://localhost:5000",
        adminUsername: "admin",
        adminPassword: "once",
        caCertificatePath: "/etc/hivematrix/tls/ca.crt",
      }),
    );
    const answering = new Map([["https://hive.example", true]]);
    const look = { terminal, stack: "prod" };
    const first = describeRealOutputs(outputs, answering, { ...look, announce: true });
    expect(first).to.include("✓ HiveMatrix  https://hive.example");
    expect(first.join("\n")).to.include("once   (one-time").and.not.include("localhost");
    const later = describeRealOutputs(outputs, new Map(), { ...look, announce: false });
    expect(later.join("\n"))
      .to.match(/no answer from here/)
      .and.not.include("once ");
  });

  it("says what stays on a real host, and how to remove it", () => {
    expect(describeLeftOnHost("prod", false, [])).to.deep.equal([]);
    expect(describeLeftOnHost("prod", true, ["postgresql"])).to.deep.equal([
      "What stays on the host, and how to remove it:",
      "  Data: rm -rf /var/lib/hivematrix, and its owner: userdel hive-postgres",
      "    with the state that knows its passwords, .hive/prod.kept.json; the next up goes on with it",
      "  Debian packages that were installed: sudo apt-get purge postgresql",
    ]);
  });
});
