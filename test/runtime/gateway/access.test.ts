import { expect } from "chai";

import { decide } from "../../../runtime/gateway/access.ts";

const rule = { groups: ["admins", "technicians"], public: ["/display", "/api/tickets/"] };

describe("the decision on a request", () => {
  it("lets members of a group of the service in, by either form of the group's name", () => {
    for (const groups of [["technicians"], ["client", "admins"], ["/admins"]]) {
      expect(decide(rule, groups, "/")).to.deep.equal({ allowed: true, reason: "group" });
    }
  });

  it("refuses everybody else, and everybody where no group is named", () => {
    for (const groups of [[], ["client"], ["admin"], ["x/admins"], ["//admins"], ["Admins"]]) {
      expect(decide(rule, groups, "/")).to.deep.equal({ allowed: false, reason: "group" });
    }
    const nobody = { groups: [], public: [] };
    expect(decide(nobody, ["admins"], "/").allowed).to.equal(false);
  });

  it("asks strangers to sign in, whether the service is there or not", () => {
    const expected = { allowed: false, reason: "sign-in" };
    expect(decide(rule, undefined, "/")).to.deep.equal(expected);
    expect(decide(undefined, undefined, "/")).to.deep.equal(expected);
    expect(decide(undefined, ["admins"], "/")).to.deep.equal({ allowed: false, reason: "service" });
  });

  it("opens public prefixes to all, by whole segments", () => {
    for (const path of [
      "/display",
      "/display/",
      "/display/wall/1",
      "/api/tickets",
      "/api/tickets/4",
    ]) {
      expect(decide(rule, undefined, path), path).to.deep.equal({
        allowed: true,
        reason: "public",
      });
    }
    for (const path of [
      "",
      "/",
      "/displays",
      "/displa",
      "/api/ticketsx",
      "/x/display",
      "/Display",
    ]) {
      expect(decide(rule, undefined, path).allowed, path).to.equal(false);
    }
    expect(decide({ groups: [], public: ["/"] }, undefined, "/any").allowed).to.equal(true);
  });
});
