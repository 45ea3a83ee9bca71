import { expect } from "chai";

import { rotate } from "../../cli/rotate.ts";
import { CoreTrial, record } from "./coreTrial.ts";

describe("hive rotate signing-key", () => {
  let stand: CoreTrial;

  before(async () => {
    stand = await CoreTrial.start();
    await (await stand.platform.core()).close();
  });

  after(() => stand.close());

  const run = async (now: boolean): Promise<string> => {
    const output = record();
    await rotate(stand.trial, { now }, output);
    return output.lines.join("\n");
  };

  it("says which key signs from when, and does not begin twice", async () => {
    const first = await run(false);
    expect(first).to.match(/^The key \S{43} signs from \d{4}-\d\d-\d\dT\S+Z; the former one/);
    expect(await run(false)).to.equal(`${first} It was published before.`);
    expect(await run(true)).to.contain("signs from now on");
    const { rows } = await stand.platform.database.pool.query<{ actor: string }>(
      "SELECT actor FROM audit_log WHERE action = 'signing_key.rotated'",
    );
    expect(rows).to.have.length(2);
    expect(rows[0]?.actor).to.match(/^hive: ./);
  });
});
