import { expect } from "chai";

import { rolesOf, turnOf } from "../../components/databaseNames.ts";

describe("the roles of a database", () => {
  it("are named after it", () => {
    expect(rolesOf("core")).to.deep.equal({
      owner: "core_owner",
      logins: ["core", "core_second"],
    });
  });

  it("may hold quotes, spaces, percent, dollar and letters of any kind", () => {
    const name = `o'b "r" $x %d ünï`;
    expect(rolesOf(name).owner).to.equal(`${name}_owner`);
  });

  it("are refused when PostgreSQL would cut their names: it keeps 63 bytes, not letters", () => {
    expect(() => rolesOf("x".repeat(56))).not.to.throw();
    for (const name of ["x".repeat(100), "x".repeat(57), "ü".repeat(29), ""]) {
      expect(() => rolesOf(name), name).to.throw(
        /needs a name of 1 to 56 bytes: PostgreSQL cuts names after 63, and its roles are named after it\.$/,
      );
    }
  });

  it("are refused where a line of pg_hba.conf would mean something else", () => {
    for (const name of ["a\nhost all all 0.0.0.0/0 trust", "/.*", "a\u0000b"]) {
      expect(() => rolesOf(name), name).to.throw("without control characters");
    }
  });

  it("take turns, each time with a new password for the one whose turn comes", () => {
    const turns = [0, 1, 2, 3, 4].map(turnOf);
    expect(turns.map(({ active }) => active)).to.deep.equal([0, 1, 0, 1, 0]);
    expect(turns.map(({ versions }) => versions)).to.deep.equal([
      [1, 1],
      [1, 1],
      [2, 1],
      [2, 2],
      [3, 2],
    ]);
  });
});
