import { expect } from "chai";

import { problemOf, ServiceError } from "../../../runtime/kernel/serviceError.ts";

describe("problemOf", () => {
  it("renders a known fault with its code, headers and further members", () => {
    const fault = new ServiceError(401, "ERR_TOKEN", "No token.", {
      headers: { "www-authenticate": "Bearer" },
      members: { error: "No token" },
    });
    expect(problemOf(fault, "/api")).to.deep.equal({
      status: 401,
      headers: { "www-authenticate": "Bearer", "content-type": "application/problem+json" },
      body: {
        type: "about:blank#unauthorized",
        title: "Unauthorized",
        status: 401,
        detail: "No token.",
        instance: "/api",
        code: "ERR_TOKEN",
        error: "No token",
      },
    });
  });

  it("tells nothing of a fault that nobody thought of", () => {
    for (const fault of [new Error("password hunter2"), "hunter2", undefined]) {
      const { status, body } = problemOf(fault, "/");
      expect(status).to.equal(500);
      expect(body).to.include({ code: "ERR_INTERNAL", type: "about:blank#internal-server-error" });
      expect(JSON.stringify(body)).not.to.include("hunter2");
    }
  });

  it("keeps 405, 415 and 429 what they are", () => {
    for (const [status, title] of [
      [405, "Method Not Allowed"],
      [415, "Unsupported Media Type"],
      [429, "Too Many Requests"],
    ] as const) {
      const { body } = problemOf(new ServiceError(status, "ERR_X", "x"), "/");
      expect(body).to.include({ status, title });
    }
  });

  it("has words for a status without a kind of its own", () => {
    const { body } = problemOf(new ServiceError(418, "ERR_TEAPOT", "x"), "/");
    expect(body).to.include({ type: "about:blank#error", title: "Error", status: 418 });
  });

  it("keeps the cause for the log alone", () => {
    const fault = new ServiceError(502, "ERR_X", "x", { cause: new Error("inner address") });
    expect((fault.cause as Error).message).to.equal("inner address");
    expect(JSON.stringify(problemOf(fault, "/"))).not.to.include("inner address");
  });
});
