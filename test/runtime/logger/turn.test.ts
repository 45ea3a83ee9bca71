import { expect } from "chai";
import type { Pool } from "pg";

import { takeTurn } from "../../../runtime/logger/turn.ts";
import { createDatabase } from "../../support/postgres.ts";

describe("what one process of the logger at a time does", () => {
  const lock = 4711;
  let pool: Pool;
  before(async () => ({ pool } = await createDatabase()));

  const holders = `FROM pg_locks WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

  it("is left to who is at it", async () => {
    const turns = await takeTurn(pool, lock, async () => [
      await takeTurn(pool, lock, () => Promise.resolve("second")),
      await takeTurn(pool, lock + 1, () => Promise.resolve("another work")),
    ]);
    expect(turns).to.deep.equal([undefined, "another work"]);
    expect(await takeTurn(pool, lock, () => Promise.resolve("next"))).to.equal("next");
    expect((await pool.query(`SELECT ${holders}`)).rowCount).to.equal(0);
  });

  it("is another's turn after a fault", async () => {
    const failed = takeTurn(pool, lock, () => Promise.reject(new Error("no")));
    expect(await failed.catch((fault: unknown) => (fault as Error).message)).to.equal("no");
    expect(await takeTurn(pool, lock, () => Promise.resolve("next"))).to.equal("next");
  });

  it("goes on when its connection breaks meanwhile", async () => {
    const done = await takeTurn(pool, lock, async () => {
      const { rowCount } = await pool.query(`SELECT pg_terminate_backend(pid, 5000) ${holders}`);
      return rowCount;
    });
    expect(done).to.equal(1);
    expect(await takeTurn(pool, lock, () => Promise.resolve("next"))).to.equal("next");
  });
});
