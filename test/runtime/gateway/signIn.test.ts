import { expect } from "chai";

import {
  type Answer,
  cookiesOf,
  publicOrigin,
  TestGateway,
  until,
  window,
} from "../../support/gateway.ts";
import { TestRealm } from "../../support/identity.ts";

const issuer = `${publicOrigin}/keycloak/realms/hivematrix`;

describe("signing in", () => {
  let realm: TestRealm;
  let test: TestGateway;
  beforeEach(async () => {
    realm = await TestRealm.start({ issuer });
    realm.signedIn = realm.addUser("ada", ["admins"]);
    test = await TestGateway.start({
      env: { KEYCLOAK_URL: realm.url, KEYCLOAK_CLIENT_SECRET: realm.clientSecret },
    });
  });
  afterEach(async () => {
    await test.close();
    await realm.close();
  });

  interface Begun {
    readonly address: URL;
    /** `name=value` of the cookie of the sign-in. */
    readonly cookie: string;
    readonly setCookie: string;
  }

  async function begin(next = "", cookie = ""): Promise<Begun> {
    const answer = await test.ask(`/login${next}`, { headers: { ...window, cookie } });
    expect(answer.status).to.equal(302);
    const [setCookie = ""] = (answer.headers["set-cookie"] ?? []).slice(-1);
    return {
      address: new URL(answer.headers.location ?? ""),
      cookie: setCookie.split(";")[0] ?? "",
      setCookie,
    };
  }

  /** Keycloak signs in whom it knows. @returns the path it sends the browser to */
  async function visitKeycloak({ address }: Begun): Promise<string> {
    const { status, headers } = await test.ask(address.pathname + address.search);
    expect(status).to.equal(302);
    const back = new URL(headers.location ?? "");
    expect(back.origin + back.pathname).to.equal(`${publicOrigin}/keycloak-callback`);
    return back.pathname + back.search;
  }

  const finish = (path: string, cookie: string): Promise<Answer> =>
    test.ask(path, { headers: { ...window, cookie } });

  it("goes to Keycloak by the public address, with PKCE, state and nonce", async () => {
    const { address, setCookie } = await begin();
    const { origin, pathname, searchParams } = address;
    expect(origin + pathname).to.equal(`${issuer}/protocol/openid-connect/auth`);
    const { state, nonce, code_challenge, ...rest } = Object.fromEntries(searchParams);
    for (const value of [state, nonce, code_challenge]) expect(value).to.match(/^[\w-]{43}$/);
    expect(rest).to.deep.equal({
      client_id: "core-client",
      code_challenge_method: "S256",
      redirect_uri: `${publicOrigin}/keycloak-callback`,
      response_type: "code",
      scope: "openid email profile",
    });
    expect(setCookie).to.match(
      new RegExp(
        `^__Host-hivematrix-login-${String(state).slice(0, 8)}=[\\w-]+\\.\\.[\\w-]+\\.[\\w-]+\\.[\\w-]+; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$`,
      ),
    );
  });

  it("ends with an opaque Secure __Host- cookie and the page that was asked for (weaknesses 6, 7)", async () => {
    const begun = await begin("?next=%2Fcodex%2Fa%3Fx%3D1");
    const answer = await finish(await visitKeycloak(begun), begun.cookie);
    expect(answer.status).to.equal(303);
    expect(answer.headers.location).to.equal("/codex/a?x=1");
    expect(answer.headers["cache-control"]).to.equal("no-store");
    const [secret] = test.core.sessions.keys();
    const cookies = cookiesOf(answer);
    expect(cookies.get("__Host-hivematrix")).to.equal(
      `__Host-hivematrix=${String(secret)}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    );
    const login = begun.cookie.split("=")[0] ?? "";
    expect(cookies.get(login)).to.match(/=; Path=\/; Max-Age=0;/);
    const { path, body } = test.core.requests[0] ?? {};
    expect(path).to.equal("/v1/sessions");
    expect(body).to.have.all.keys("access_token", "refresh_token", "id_token", "address", "agent");
    expect((await test.ask("/codex/", { cookie: String(secret) })).status).to.equal(200);
    // Known from the sign-in: core was not asked a second time.
    expect(test.core.count("/v1/sessions/resolve")).to.equal(0);
  });

  it("gives a new session each time and ends the one the browser had", async () => {
    const former = test.core.signIn();
    await test.ask("/codex/", { cookie: former });
    const begun = await begin();
    const own = `__Host-hivematrix=${former}; ${begun.cookie}`;
    const answer = await finish(await visitKeycloak(begun), own);
    expect(cookiesOf(answer).get("__Host-hivematrix")).to.not.include(former);
    await until(() => !test.core.sessions.has(former));
    expect((await test.ask("/codex/", { cookie: former })).status).to.equal(401);
  });

  it("works in several tabs at once, and keeps no heap of cookies", async () => {
    const [one, other] = [await begin("?next=/a/"), await begin("?next=/b/")];
    const both = `${one.cookie}; ${other.cookie}`;
    const second = await finish(await visitKeycloak(other), both);
    expect(second.headers.location).to.equal("/b/");
    const first = await finish(await visitKeycloak(one), both);
    expect(first.headers.location).to.equal("/a/");
    const many = Array.from(
      { length: 8 },
      (_, index) => `__Host-hivematrix-login-${String(index)}=x`,
    );
    const { headers } = await test.ask("/login", { headers: { cookie: many.join("; ") } });
    expect(headers["set-cookie"]).to.have.length(9);
    expect(headers["set-cookie"]?.filter((text) => text.includes("=; "))).to.have.length(8);
  });

  it("asks Keycloak for tokens over loopback alone, once", async () => {
    const begun = await begin();
    await finish(await visitKeycloak(begun), begun.cookie);
    const base = "/realms/hivematrix/protocol/openid-connect";
    expect(realm.requests).to.deep.equal([
      `GET ${base}/auth`,
      `POST ${base}/token`,
      `GET ${base}/certs`,
    ]);
  });

  describe("attack: login CSRF (weakness 1)", () => {
    const refused = async (answer: Answer): Promise<void> => {
      expect(answer.status).to.equal(401);
      expect(cookiesOf(answer)).to.not.have.key("__Host-hivematrix");
      expect(test.core.sessions.size).to.equal(0);
      expect(test.core.count("/v1/sessions")).to.equal(0);
      await Promise.resolve();
    };

    it("refuses a code without state and without cookie", async () => {
      await refused(await finish("/keycloak-callback?code=X", ""));
      await refused(await finish("/keycloak-callback?code=X&state=", ""));
      await refused(await finish("/keycloak-callback", ""));
    });

    it("refuses the attacker's own code and state in another browser", async () => {
      const path = await visitKeycloak(await begin());
      await refused(await finish(path, ""));
      const { cookie } = await begin();
      await refused(await finish(path, cookie));
    });

    it("refuses another state that has the same cookie name", async () => {
      const begun = await begin();
      const path = await visitKeycloak(begun);
      const state = begun.address.searchParams.get("state") ?? "";
      const other = state.slice(0, 42) + (state.endsWith("A") ? "B" : "A");
      await refused(await finish(path.replace(state, other), begun.cookie));
      await refused(await finish(`${path}&state=${state}`, begun.cookie));
    });

    it("refuses a cookie that was changed, or sealed with another key", async () => {
      const begun = await begin();
      const path = await visitKeycloak(begun);
      const { cookie } = begun;
      await refused(
        await finish(path, cookie.slice(0, -2) + (cookie.endsWith("AA") ? "BB" : "AA")),
      );
      await refused(await finish(path, `${cookie.split("=")[0] ?? ""}=eyJhbGciOiJub25lIn0..a.b.c`));
    });

    it("refuses the code of another sign-in of this browser: nonce and PKCE differ", async () => {
      const [one, other] = [await begin(), await begin()];
      const [path, foreign] = [await visitKeycloak(one), await visitKeycloak(other)];
      const code = (text: string) => new URLSearchParams(text.split("?")[1]).get("code") ?? "";
      await refused(await finish(path.replace(code(path), code(foreign)), one.cookie));
    });

    it("accepts a callback once", async () => {
      const begun = await begin();
      const path = await visitKeycloak(begun);
      expect((await finish(path, begun.cookie)).status).to.equal(303);
      expect((await finish(path, begun.cookie)).status).to.equal(401);
    });
  });

  it("refuses an id token of another issuer, audience, key or time", async () => {
    const user = realm.addUser("eve", ["admins"]);
    const signs = realm.sign.bind(realm);
    const other = await TestRealm.start({ issuer });
    const forgeries: TestRealm["sign"][] = [
      (claims) => signs({ ...claims, iss: "https://evil.test/realms/hivematrix" }),
      (claims) => signs({ ...claims, aud: "another-client", azp: "another-client" }),
      (claims) => signs({ ...claims, nonce: "another" }),
      (claims) => signs({ ...claims, exp: Math.floor(Date.now() / 1000) - 100 }),
      (claims) => other.sign(claims),
    ];
    realm.signedIn = user;
    for (const forge of forgeries) {
      const begun = await begin();
      const path = await visitKeycloak(begun);
      realm.sign = forge;
      const { status } = await finish(path, begun.cookie);
      realm.sign = signs;
      expect(status).to.equal(401);
    }
    await other.close();
    expect(test.core.count("/v1/sessions")).to.equal(0);
  });

  it("is refused when core does not accept Keycloak's tokens, and put off when it is away", async () => {
    test.core.refusal = 401;
    let begun = await begin();
    const refused = await finish(await visitKeycloak(begun), begun.cookie);
    expect(refused.status).to.equal(401);
    test.core.outage = 0;
    begun = await begin();
    const away = await finish(await visitKeycloak(begun), begun.cookie);
    expect(away.status).to.equal(503);
    expect(away.headers["retry-after"]).to.equal("5");
    begun = await begin();
    const path = await visitKeycloak(begun);
    realm.outage = 500;
    expect((await finish(path, begun.cookie)).status).to.equal(502);
  });

  it("leaves no code, token or state in the log", async () => {
    const begun = await begin();
    const path = await visitKeycloak(begun);
    realm.outage = 500;
    await finish(path, begun.cookie);
    realm.outage = undefined;
    await finish(path, begun.cookie);
    await until(() => test.lines.length >= 3);
    const everything = JSON.stringify([test.lines, test.log]);
    for (const value of new URLSearchParams(path.split("?")[1]).values()) {
      expect(everything).to.not.include(value);
    }
    expect(everything).to.not.include("eyJ");
  });
});
