import { expect } from "chai";

import { TestGateway, window } from "../../support/gateway.ts";

describe("what somebody chose in Codex (contract 2.9, 2.10)", () => {
  let test: TestGateway;
  let cookie: string;
  let now: number;
  let asked: string[];
  let theme: () => Response | Promise<Response>;

  beforeEach(async () => {
    now = Date.now();
    asked = [];
    theme = () => Response.json({ theme: "dark", color_theme: "bee", source: "agent" });
    test = await TestGateway.start({
      options: {
        now: () => now,
        core: undefined as never,
        fetch: async (input, init) => {
          const address = input instanceof Request ? input.url : String(input);
          if (!address.includes("/api/public/user/")) {
            if (!address.endsWith("/service-token")) return fetch(input, init);
            return Response.json({ token: "x.eyJleHAiOjk5OTk5OTk5OTl9.y" });
          }
          asked.push(address.replace(test.service.url, ""));
          expect(new Headers(init?.headers).get("authorization")).to.equal(
            "Bearer x.eyJleHAiOjk5OTk5OTk5OTl9.y",
          );
          return address.includes("home-page") ? Response.json({ home_page: "helm" }) : theme();
        },
      },
    });
    test.service.serve = (_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<html><body>x");
    };
    cookie = test.core.signIn();
  });
  afterEach(() => test.close());

  const look = async (): Promise<string> => {
    const { body } = await test.ask("/codex/", { cookie, headers: window });
    return /^<html([^>]*)>/.exec(body)?.[1] ?? body;
  };
  const usual = ' data-theme="light" data-color-theme="purple"';

  it("is how pages look, asked once in five minutes", async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(await look()).to.equal(' data-theme="dark" data-color-theme="bee"');
    }
    expect(asked).to.deep.equal(["/api/public/user/theme?email=ada%40hive.test"]);
    now += 300_001;
    await look();
    expect(asked).to.have.length(2);
  });

  it("is asked again after it was changed", async () => {
    await look();
    theme = () => Response.json({ theme: "light", color_theme: "green" });
    await test.ask("/api/invalidate-cache", { method: "POST", cookie });
    expect(await look()).to.equal(' data-theme="light" data-color-theme="green"');
  });

  it("never makes a page late or wrong: the usual look, and Codex is left alone", async () => {
    theme = () => new Promise(() => undefined);
    const begin = performance.now();
    expect(await look()).to.equal(usual);
    expect(performance.now() - begin).to.be.lessThan(2000);
    await test.ask("/api/invalidate-cache", { method: "POST", cookie });
    cookie = test.core.signIn(["admins"], {
      user: { ...test.core.session(cookie).user, email: "other@hive.test" },
    });
    for (const wrong of [
      () => Response.json({ theme: '"><script>', color_theme: '"><script>' }),
      () => new Response("no", { status: 500 }),
      () => Promise.reject(new Error("away")),
    ]) {
      theme = wrong;
      now += 300_001;
      expect(await look()).to.equal(usual);
    }
    const count = asked.length;
    await look();
    expect(asked).to.have.length(count);
  });

  it("is where they start, if they may go there", async () => {
    const home = async () => (await test.ask("/", { cookie, headers: window })).headers.location;
    expect(await home()).to.equal("/helm/");
    cookie = test.core.signIn(["technicians"]);
    expect(await home()).to.equal("/codex/");
  });
});
