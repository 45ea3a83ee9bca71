import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { designBody } from "./page/designBody.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Visitors } from "./visitor.ts";

/** `/design`: every component of the platform's look, as it is, for administrators. */
export function createDesign(
  visitors: Visitors,
  answers: Answers,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  return async (exchange, path) => {
    const session = await visitors.find(exchange);
    if (session === undefined) {
      await visitors.askToSignIn(exchange, path);
      return;
    }
    if (session.user.permission_level !== "admin") {
      throw new ServiceError(403, "ERR_GROUP", "This page is for administrators.");
    }
    answers.page(exchange, 200, { title: "Design", body: designBody() });
  };
}
