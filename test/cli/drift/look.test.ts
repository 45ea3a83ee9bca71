import { expect } from "chai";

import { lookAround } from "../../../cli/drift/look.ts";
import type { Look } from "../../../cli/drift/preview.ts";
import { failure } from "../coreTrial.ts";

const realm = "urn:pulumi:dev::p::hivematrix:index:Realm$keycloak:index/realm:Realm::realm";
const role = "urn:pulumi:dev::p::postgresql:index/role:Role::role";
const file = "urn:pulumi:dev::p::host:index:File::file";

const refused = (urn: string, message: string): Look => ({
  preview: {
    steps: [],
    diagnostics: [
      { urn, message: `error: ${message}\n`, severity: "error" },
      { message: "error: preview failed\n", severity: "error" },
    ],
  },
  whole: false,
  said: "",
});
const clean: Look = { preview: { steps: [], diagnostics: [] }, whole: true, said: "" };

/** Answers in turn; remembers what was left out each time. */
function views(...looks: Look[]) {
  const excluded: (readonly string[])[] = [];
  const view = (exclude: readonly string[]): Promise<Look> => {
    excluded.push(exclude);
    return Promise.resolve(looks[excluded.length - 1] ?? clean);
  };
  return { excluded, view };
}

describe("looking around", () => {
  it("leaves out a server that does not answer, and names it with the reason", async () => {
    const { excluded, view } = views(
      refused(role, "Preview failed: refreshing x: 1 error occurred:\n\t* dial tcp: refused\n\n"),
      refused(realm, "sdk-v2/provider2.go:571: sdk.helper_schema: status 500: provider=keycloak@6"),
    );
    const { notSeen } = await lookAround(view);
    expect(notSeen).to.deep.equal([
      { server: "postgresql", reason: "dial tcp: refused" },
      { server: "keycloak", reason: "status 500" },
    ]);
    // PostgreSQL's own objects, and what is asked for by psql.
    expect(excluded.map(({ length }) => length)).to.deep.equal([0, 2, 3]);
  });

  it("ends with exit code 3 and the fault when the host cannot be looked at", async () => {
    const { view } = views(refused(file, "deploy@h:22 cannot be reached: no route."));
    expect(await failure(lookAround(view))).to.include({
      message: "The host could not be looked at: deploy@h:22 cannot be reached: no route.",
      exitCode: 3,
    });
  });

  it("ends with what pulumi said when there is no preview at all", async () => {
    const { view } = views({ ...clean, whole: false, said: "error: incorrect passphrase" });
    expect((await failure(lookAround(view))).message).to.include("incorrect passphrase");
  });

  it("does not look for ever when a server's fault stays", async () => {
    const { excluded, view } = views(refused(realm, "a"), refused(realm, "b"), refused(realm, "c"));
    expect(await failure(lookAround(view))).to.include({ exitCode: 3 });
    expect(excluded.length).to.equal(2);
  });
});
