import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect } from "chai";

import { migrate } from "../../../runtime/kernel/migrations.ts";
import { LogStore } from "../../../runtime/logger/store.ts";
import { createDatabase } from "../../support/postgres.ts";
import { frozen } from "./testLogger.ts";

const folder = new URL("../../../runtime/logger/migrations/", import.meta.url);

describe("migrations of the logger", () => {
  const names = readdirSync(folder).sort();
  for (const [index, name] of names.entries()) {
    if (index === 0) continue;
    it(`${name} takes over what the version before it stored`, async () => {
      const { pool } = await createDatabase();
      const former = mkdtempSync(join(tmpdir(), "migrations-"));
      for (const one of names.slice(0, index)) {
        copyFileSync(new URL(one, folder), join(former, one));
      }
      await migrate(pool, pathToFileURL(`${former}/`));
      rmSync(former, { recursive: true });
      const row = "timestamp '2026-11-24 09:00', 'codex', 'INFO', 'kept ' || n";
      await pool.query(
        `CREATE TABLE log_entries_20261124 PARTITION OF log_entries
           FOR VALUES FROM ('2026-11-24') TO ('2026-11-25')`,
      );
      if (index > 1) {
        await pool.query(
          `CREATE TABLE log_words_20261124 PARTITION OF log_words
             FOR VALUES FROM ('2026-11-24') TO ('2026-11-25')`,
        );
      }
      await pool.query(
        `INSERT INTO log_entries (timestamp, service_name, level, message)
         SELECT ${row} FROM generate_series(1, 300) AS n`,
      );
      expect(await migrate(pool, folder)).to.deep.equal(names.slice(index));

      const store = new LogStore(pool, () => frozen);
      const horizon = await store.horizon();
      expect(horizon).to.equal(300);
      const [oldest] = await store.find({}, 300, 299);
      await store.insert([{ ...(oldest ?? expect.fail()), message: "new" }]);
      const later = await store.after(horizon, await store.horizon(), {}, 10);
      expect(later.map(({ id, message }) => [id, message])).to.deep.equal([[301, "new"]]);
      expect(await store.count({})).to.deep.equal({ count: 301, exact: true });
      // Words are kept from version 2 on; it finds those of version 1 itself.
      if (index === 1) expect(await store.count({ words: ["17"] })).to.deep.include({ count: 1 });
    });
  }
});
