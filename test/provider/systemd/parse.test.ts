import { expect } from "chai";

import { timer } from "../../../provider/resources/timer.ts";
import { unit, type UnitInputs } from "../../../provider/resources/unit.ts";
import { check } from "../../../provider/schema.ts";
import { environmentFile } from "../../../provider/systemd/environmentFile.ts";
import { directivesOf, processOf, variablesOf } from "../../../provider/systemd/parse.ts";
import { timerTexts } from "../../../provider/systemd/timerFile.ts";
import { unitFile } from "../../../provider/systemd/unitFile.ts";

const shared = {
  description: "50 % of all",
  command: ["/bin/a b", "%n", "$HOME", 'x"y\\z', "two\nlines\tand more", ""],
  user: "web",
  cwd: "/srv/100%",
  writable: ["/srv/a b", "/var/lib/x"],
  capabilities: ["CAP_NET_BIND_SERVICE", "CAP_CHOWN"],
  egress: ["192.0.2.0/24", "any"],
  jit: false,
  memoryMax: "256M",
  tasksMax: 7,
};

describe("a unit of ours that is imported", () => {
  it("says what its process is: every input that it was written from", () => {
    const wanted = { ...shared, name: "web", ready: [{ tcp: { port: 7000 } }] };
    const { inputs, failures } = check(unit.inputs, wanted);
    expect(failures).to.deep.equal([]);
    const directives = directivesOf(unitFile(inputs as unknown as UnitInputs));
    expect(directives).not.to.equal(undefined);
    expect(processOf(directives ?? new Map())).to.deep.equal(shared);
  });

  it("says the same of what a timer runs", () => {
    const wanted = { ...shared, name: "job", schedule: "daily" };
    const { inputs } = check(timer.inputs, wanted);
    const { unit: text } = timerTexts(inputs as unknown as Parameters<typeof timerTexts>[0]);
    expect(processOf(directivesOf(text) ?? new Map())).to.deep.equal(shared);
  });

  it("gives back every variable as it was", () => {
    const env = { B: 'q"$`\\', A: "two\nlines", C: "", D: 'E="x"' };
    expect(variablesOf(environmentFile(env))).to.deep.equal(env);
  });

  it("is not one of somebody else's", () => {
    expect(directivesOf("[Service]\nExecStart=/bin/true\n")).to.equal(undefined);
  });
});
