import { viewer, type Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Routes } from "./routes.ts";
import type { Visitors } from "./visitor.ts";

/** `/`: the first service of the menu (contract 2.10). */
export function createHome(
  routes: () => Routes,
  visitors: Visitors,
  answers: Answers,
): (exchange: Exchange, path: RequestPath) => Promise<void> {
  return async (exchange, path) => {
    const session = await visitors.find(exchange);
    if (session === undefined) {
      visitors.askToSignIn(exchange, path);
      return;
    }
    const [first] = viewer(session, routes()).services;
    if (first === undefined) answers.page(exchange, 200, nothing);
    else answers.redirect(exchange, 302, `/${first.name}/`);
  };
}

const nothing = {
  title: "No services",
  body: "<p>No services available for your permission level.</p>",
};
