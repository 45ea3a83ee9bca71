import { viewer, type Answers } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import type { Preferences } from "./preferences.ts";
import type { RequestPath } from "./requestPath.ts";
import type { Routes } from "./routes.ts";
import type { Visitors } from "./visitor.ts";

export interface HomeOptions {
  readonly routes: () => Routes;
  readonly visitors: Visitors;
  readonly preferences: Pick<Preferences, "home">;
  readonly answers: Answers;
}

/** `/`: the service somebody chose in Codex, else the first one of the menu (contract 2.10). */
export function createHome({
  routes,
  visitors,
  preferences,
  answers,
}: HomeOptions): (exchange: Exchange, path: RequestPath) => Promise<void> {
  return async (exchange, path) => {
    const session = await visitors.find(exchange);
    if (session === undefined) {
      await visitors.askToSignIn(exchange, path);
      return;
    }
    const { services } = viewer(session, routes());
    const wish = services.length > 1 ? await preferences.home(session) : undefined;
    const first = services.find(({ name }) => name === wish) ?? services[0];
    if (first === undefined) answers.page(exchange, 200, nothing);
    else answers.redirect(exchange, 302, `/${first.name}/`);
  };
}

const nothing = {
  title: "No services",
  body: "<p>No services available for your permission level.</p>",
};
