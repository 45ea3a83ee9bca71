import { expect } from "chai";

import { restartPostgres } from "../support/postgres.ts";
import { type TestCore, TestPlatform } from "../runtime/core/testCore.ts";

describe("two cores on a PostgreSQL that is restarted under load", function () {
  this.timeout(120_000);
  let platform: TestPlatform;
  let cores: TestCore[];

  before(async () => {
    platform = await TestPlatform.start();
    cores = [await platform.core(), await platform.core()];
  });
  after(() => platform.close());

  it("give no wrong answer, and recover by themselves in seconds", async () => {
    const [first] = cores;
    if (first === undefined) throw new Error("no core");
    const { session: good } = await first.begin(platform.realm.addUser("ada"));
    const { session: over } = await first.begin(platform.realm.addUser("bob"));
    for (const core of cores) {
      expect((await core.validate(good.token)).status).to.equal(200);
      expect((await core.validate(over.token)).status).to.equal(200);
    }
    await first.post("/api/token/revoke", { token: over.token });
    for (const deadline = Date.now() + 5000; Date.now() < deadline;) {
      const answers = await Promise.all(cores.map((core) => core.validate(over.token)));
      if (answers.every(({ status }) => status === 401)) break;
    }

    let ended = false;
    const seen = { good: new Map<number, number>(), over: new Map<number, number>() };
    const ask = async (core: TestCore, of: "good" | "over"): Promise<void> => {
      while (!ended) {
        const { status } = await core.validate((of === "good" ? good : over).token);
        seen[of].set(status, (seen[of].get(status) ?? 0) + 1);
      }
    };
    const load = cores.flatMap((core) => [ask(core, "good"), ask(core, "good"), ask(core, "over")]);
    await restartPostgres();
    const restarted = performance.now();
    for (let well = 0; well < 20;) {
      const answers = await Promise.all(cores.map((core) => core.validate(good.token)));
      well = answers.every(({ status }) => status === 200) ? well + 1 : 0;
      if (performance.now() - restarted > 60_000) throw new Error("it does not recover");
    }
    const took = performance.now() - restarted;
    ended = true;
    await Promise.all(load);
    // 503 says that nothing is known; nobody is signed out, nobody let in.
    expect(
      [...seen.good.keys()].filter((status) => status !== 200 && status !== 503),
    ).to.deep.equal([]);
    expect(
      [...seen.over.keys()].filter((status) => status !== 401 && status !== 503),
    ).to.deep.equal([]);
    expect(took).to.be.lessThan(15_000);
  });
});
