import { expect } from "chai";

import { ServiceError } from "../../../runtime/kernel/serviceError.ts";
import type { Session } from "../../../runtime/gateway/coreClient.ts";
import { SessionCache } from "../../../runtime/gateway/sessionCache.ts";

const second = 1000;
const minute = 60 * second;

function session(id: string, ends = 36_000): Session {
  return {
    id,
    token: `token of ${id}`,
    token_expires_at: ends,
    expires_at: ends,
    user: {
      ...{ sub: id, name: id, email: undefined, preferred_username: id },
      ...{ permission_level: "client", groups: [] },
    },
  };
}

describe("the sessions the gateway knows", () => {
  let now: number;
  let asked: string[];
  let known: Map<string, Session>;
  let outage: ServiceError | undefined;
  let hold: Promise<void> | undefined;
  let cache: SessionCache;

  beforeEach(() => {
    now = 0;
    asked = [];
    known = new Map([["cookie", session("one")]]);
    outage = hold = undefined;
    cache = create();
    cache.told = true;
  });

  function create(capacity?: number): SessionCache {
    return new SessionCache({
      core: {
        resolve: async (cookie) => {
          asked.push(cookie);
          const answer = known.get(cookie);
          await hold;
          if (outage !== undefined) throw outage;
          return answer;
        },
      },
      now: () => now,
      ...(capacity === undefined ? {} : { capacity }),
    });
  }

  const away = () => new ServiceError(503, "ERR_CORE_UNAVAILABLE", "away");

  async function statusOf(cookie: string): Promise<number> {
    try {
      return (await cache.find(cookie)) === undefined ? 401 : 200;
    } catch (fault) {
      return (fault as ServiceError).status;
    }
  }

  it("are asked for at core once in 30 seconds (weakness 32)", async () => {
    for (now = 0; now < 30 * second; now += second) {
      expect((await cache.find("cookie"))?.id).to.equal("one");
    }
    expect(asked).to.have.length(1);
    await cache.find("cookie");
    expect(asked).to.have.length(2);
  });

  it("are asked for each second while core cannot tell of changes", async () => {
    cache.told = false;
    for (now = 0; now < 5 * second; now += 500) await cache.find("cookie");
    expect(asked).to.have.length(5);
  });

  it("are asked for once by any number of requests at a time", async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => cache.find("cookie")));
    expect(new Set(all)).to.have.property("size", 1);
    expect(asked).to.have.length(1);
  });

  it("end at core's word at once, and what is under way for them", async () => {
    let ended = 0;
    await cache.find("cookie");
    const stop = cache.watch("one", () => (ended += 1));
    cache.watch("another", () => (ended += 10));
    known.clear();
    cache.end("one");
    expect(ended).to.equal(1);
    expect(await cache.find("cookie")).to.equal(undefined);
    stop();
    cache.end("one");
    expect(ended).to.equal(1);
  });

  it("are not taken from an answer that an announcement has overtaken", async () => {
    let release = (): void => undefined;
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const finding = cache.find("cookie");
    known.clear();
    cache.end("one");
    release();
    expect(await finding).to.equal(undefined);
    expect(asked).to.have.length(2);
  });

  it("live on for five minutes without core, not longer; others are put off (weakness 11)", async () => {
    await cache.find("cookie");
    outage = away();
    cache.told = false;
    for (now = 0; now <= 5 * minute; now += 10 * second) {
      expect(await statusOf("cookie"), String(now)).to.equal(200);
      expect(await statusOf("unknown")).to.equal(503);
    }
    expect(await statusOf("cookie")).to.equal(503);
    outage = undefined;
    expect(await statusOf("cookie")).to.equal(200);
    expect(await statusOf("unknown")).to.equal(401);
  });

  it("that were announced to have ended do not live on without core", async () => {
    await cache.find("cookie");
    outage = away();
    cache.end("one");
    expect(await statusOf("cookie")).to.equal(503);
  });

  it("do not live on when core itself does not vouch for them any longer", async () => {
    await cache.find("cookie");
    outage = new ServiceError(503, "ERR_IDENTITY_UNAVAILABLE", "Keycloak is away");
    now = minute;
    expect(await statusOf("cookie")).to.equal(503);
  });

  it("are not asked for by every request while core does not answer", async () => {
    await cache.find("cookie");
    outage = away();
    now = minute;
    for (let request = 0; request < 20; request += 1) await cache.find("cookie");
    expect(asked).to.have.length(2);
  });

  it("end with their time, whatever is kept", async () => {
    known.set("short", session("short", 60));
    await cache.find("short");
    outage = away();
    now = minute - 1;
    expect(await statusOf("short")).to.equal(200);
    now = minute;
    expect(await statusOf("short")).to.equal(503);
  });

  it("are all asked for again when announcements may have been missed", async () => {
    await cache.find("cookie");
    cache.clear();
    await cache.find("cookie");
    expect(asked).to.have.length(2);
  });

  it("are bounded; the one used longest ago goes (weakness 23)", async () => {
    cache = create(3);
    cache.told = true;
    for (const cookie of ["a", "b", "c"]) {
      known.set(cookie, session(cookie));
      await cache.find(cookie);
    }
    await cache.find("a");
    known.set("d", session("d"));
    await cache.find("d");
    expect(cache.size).to.equal(3);
    asked = [];
    for (const cookie of ["a", "c", "d", "b"]) await cache.find(cookie);
    expect(asked).to.deep.equal(["b"]);
  });
});
