import { z } from "zod";

import { Fault } from "../fault.ts";
import { define, succeeded } from "../resource.ts";
import { absolutePath, accountName } from "../schema.ts";

/** Written beside the account's name, so that a repeated up knows its own. */
const comment = "made by HiveMatrix";

export const user = define({
  description:
    "A system user with a group of its own. Deleting removes it only when we made it. Import by name.",
  inputs: {
    name: accountName(),
    home: absolutePath().describe("Not created."),
    shell: absolutePath().default("/usr/sbin/nologin").describe("Default `/usr/sbin/nologin`."),
  },
  outputs: {
    uid: z.int().describe("User number."),
    gid: z.int().describe("Number of the primary group."),
    found: z.boolean().describe("Whether it was there before us."),
  },
  replaceOn: ["name"],

  plan: (_inputs, old) => (old ? { uid: old.uid, gid: old.gid, found: old.found } : {}),

  async create({ transport, signal }, { name, home, shell }) {
    const there = await transport.account(name);
    if (there !== undefined && (there.home !== home || there.shell !== shell)) {
      throw new Fault(
        `The user ${name} exists with home ${there.home} and shell ${there.shell}; give the same or choose another name.`,
      );
    }
    if (there === undefined) {
      const options = ["--system", "--user-group", "--no-create-home", "--comment", comment];
      const argv = ["useradd", ...options, "--home-dir", home, "--shell", shell, name];
      succeeded(await transport.run(argv, { signal }), `Making the user ${name} (root only)`);
    }
    const account = there ?? (await transport.account(name));
    if (account === undefined) throw new Fault(`The user ${name} was made but is not found.`);
    const { uid, gid } = account;
    return { id: name, outputs: { uid, gid, found: account.comment !== comment } };
  },

  async read({ transport }, id, old) {
    const account = await transport.account(id);
    if (account === undefined) return undefined;
    const { home, shell, uid, gid } = account;
    return { name: id, home, shell, uid, gid, found: old?.found ?? account.comment !== comment };
  },

  async update({ transport, signal }, old, { name, home, shell }) {
    const argv = ["usermod", "--home", home, "--shell", shell, name];
    succeeded(await transport.run(argv, { signal }), `Changing the user ${name}`);
    return { uid: old.uid, gid: old.gid, found: old.found };
  },

  async delete({ transport, signal }, { name, found }) {
    if (found || (await transport.account(name)) === undefined) return;
    const removed = await transport.run(["userdel", name], { signal });
    // 8: processes run as the user (userdel(8)), of another stack on this host: that one's then.
    if (removed.code !== 8) succeeded(removed, `Removing the user ${name}`);
  },
});
