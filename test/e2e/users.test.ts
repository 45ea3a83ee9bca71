import { randomBytes } from "node:crypto";

import { expect } from "chai";

import { openContext } from "../support/browser.ts";
import { sharedPlatform } from "../support/platform.ts";
import { eventually, type Trial } from "../support/trial.ts";

interface Listed {
  readonly username: string;
  readonly enabled: boolean;
  readonly groups: readonly string[];
}

describe("hive user", function () {
  this.timeout(600_000);
  const name = `ada-${randomBytes(3).toString("hex")}`;
  let trial: Trial;
  let gateway: string;
  let password: string;

  before(async () => {
    const platform = await sharedPlatform();
    ({ trial } = platform);
    gateway = String(platform.outputs["gatewayUrl"]);
  });

  async function json<T>(...args: string[]): Promise<T> {
    const { code, text } = await trial.hive("user", ...args, "--json");
    expect(code, text).to.equal(0);
    return JSON.parse(text) as T;
  }

  async function listed(): Promise<Listed | undefined> {
    return (await json<Listed[]>("list")).find(({ username }) => username === name);
  }

  it("adds somebody with a one-time password, in the default group", async () => {
    const made = await json<{ password: string; groups: string[] }>(
      ...["add", name, "--email", `${name}@example.org`],
      ...["--first-name", "Ada", "--last-name", "Lovelace"],
    );
    expect(made.password).to.match(/^[A-Za-z0-9_-]{20}$/);
    expect(made.groups).to.deep.equal(["client"]);
    password = made.password;
  });

  it("says what is wrong in one sentence", async () => {
    const twice = await trial.hive("user", "add", name, "--email", `${name}@example.org`);
    expect(twice.code).to.equal(1);
    expect(twice.text).to.match(/^Keycloak refuses it: User exists.*\.\n$/);
    const unknown = await trial.hive("user", "disable", "nobody");
    expect(unknown.code).to.equal(2);
    expect(unknown.text).to.contain("There is no user nobody");
    const group = await trial.hive("user", "groups", name, "admin");
    expect(group.code).to.equal(2);
    expect(group.text).to.contain("There are: admins, billing, client, technicians.");
  });

  it("puts somebody into other groups", async () => {
    await json("groups", name, "client", "billing");
    expect((await listed())?.groups).to.deep.equal(["billing", "client"]);
    await json("groups", name, "client");
    expect((await listed())?.groups).to.deep.equal(["client"]);
  });

  it("resets a password; the former one-time password is void", async () => {
    const { password: second } = await json<{ password: string }>("reset-password", name);
    expect(second).not.to.equal(password);
    password = second;
  });

  it("disables somebody, whose session ends within a minute", async () => {
    const context = await openContext();
    try {
      const page = await context.newPage();
      await page.goto(`${gateway}/flasky/`);
      await page.fill("#username", name);
      await page.fill("#password", password);
      await page.click("#kc-login");
      const chosen = `Chosen-${randomBytes(9).toString("base64url")}`;
      await page.fill("#password-new", chosen);
      await page.fill("#password-confirm", chosen);
      await page.click("input[type=submit], button[type=submit]");
      await page.waitForURL(`${gateway}/flasky/`);

      await json("disable", name);
      expect((await listed())?.enabled).to.equal(false);
      await eventually("the session is over", 75, async () => {
        const answer = await page.request.get(`${gateway}/flasky/api/whoami`, { maxRedirects: 0 });
        return answer.status() === 401;
      });
      await json("enable", name);
      expect((await listed())?.enabled).to.equal(true);
    } finally {
      await context.close();
    }
  });
});
