import { expect } from "chai";

import { type AuditLogOptions, showAuditLog } from "../../cli/auditLog.ts";
import { CoreTrial, failure, record } from "./coreTrial.ts";

describe("hive audit log", () => {
  let stand: CoreTrial;

  beforeEach(async () => {
    stand = await CoreTrial.start();
    const core = await stand.platform.core();
    const ada = stand.platform.realm.addUser("ada\u001b[2J");
    for (let i = 0; i < 4; i += 1) {
      const { session } = await core.begin(ada);
      await core.post("/api/token/revoke", { token: session.token });
    }
  });

  afterEach(() => stand.close());

  const show = async (options: AuditLogOptions = {}): Promise<string[]> => {
    const output = record();
    await showAuditLog(stand.trial, options, output);
    return output.lines;
  };

  const tamper = async (statement: string): Promise<void> => {
    const { pool } = stand.platform.database;
    await pool.query("ALTER TABLE audit_log DISABLE TRIGGER USER");
    await pool.query(statement);
    await pool.query("ALTER TABLE audit_log ENABLE TRIGGER USER");
  };

  it("shows the last rows, oldest first, harmless to a terminal", async () => {
    const lines = await show({ tail: "2" });
    expect(lines).to.have.length(2);
    expect(lines[0]).to.match(/^\d{4}-\d\d-\d\dT\S+Z {2}session\.began/);
    expect(lines[1]).to.match(/session\.ended .*"reason":"revoked"/);
    expect((await show()).join("")).not.to.match(/[\u0000-\u001f]/);
    const row = JSON.parse((await show({ json: true }))[0] ?? "") as Record<string, unknown>;
    expect(row).to.include({ id: 1, action: "signing_key.added" });
  });

  it("--verify says that the chain is whole", async () => {
    expect((await show({ verify: true }))[0]).to.match(/^The audit trail is whole: 9 rows, /);
  });

  for (const [statement, sentence] of [
    ["UPDATE audit_log SET actor = 'nobody' WHERE id = 4", "Row 4 was changed, or one before it."],
    ["UPDATE audit_log SET at = at + interval '1 s' WHERE id = 9", "Row 9 was changed"],
    ["UPDATE audit_log SET details = '{}' WHERE id = 2", "Row 2 was changed"],
    ["DELETE FROM audit_log WHERE id = 5", "Row 5 is missing."],
    ["DELETE FROM audit_log WHERE id = 1", "Row 1 is missing."],
    ["DELETE FROM audit_log WHERE id > 7", "Row 8 is missing, and what followed."],
    ["DELETE FROM audit_log", "Row 1 is missing, and what followed."],
    ["UPDATE audit_log SET actor = 'x', hash = sha256(previous) WHERE id = 9", "Row 9 was changed"],
    ["UPDATE audit_log SET id = 20 WHERE id = 3", "Row 3 is missing."],
  ] as const) {
    it(`--verify finds ${statement}`, async () => {
      await tamper(statement);
      const fault = await failure(show({ verify: true }));
      expect(fault.message).to.contain(sentence);
    });
  }

  it("bounds --tail, and says in one sentence that the database is away", async () => {
    expect((await failure(show({ tail: "0" }))).exitCode).to.equal(2);
    stand.write({ DB_PORT: "1" });
    expect((await failure(show())).message).to.contain("Core's database does not answer");
  });
});
