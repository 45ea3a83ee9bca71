import { z } from "zod";

import type { CoreClient, Session } from "./coreClient.ts";
import type { Theme } from "./page/sidePanel.ts";
import type { Routes } from "./routes.ts";

/** How pages look to somebody. */
export interface Look {
  readonly theme: Theme;
  /** One of the nine of contract 2.8. */
  readonly colorTheme: string;
}

export interface Preferences {
  /** Never waits longer than a moment: a page with the usual look is better than a late one. */
  readonly look: (session: Session | undefined) => Look | Promise<Look>;
  /** Name of the service somebody starts with; undefined: no wish. */
  readonly home: (session: Session) => Promise<string | undefined>;
  /** They were changed. */
  readonly forget: (session: Session) => void;
}

export interface PreferencesOptions {
  readonly core: Pick<CoreClient, "serviceToken">;
  readonly routes: () => Routes;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds a page waits for a look it does not know. Default 300. */
  readonly patience?: number;
}

export const usualLook: Look = { theme: "light", colorTheme: "purple" };

const colorThemes = "purple blue green orange gold red yellow matrix bee".split(" ");

const themeAnswer = z.object({
  theme: z.enum(["light", "dark"]).catch(usualLook.theme),
  color_theme: z
    .string()
    .refine((name) => colorThemes.includes(name))
    .catch(usualLook.colorTheme),
});
const homeAnswer = z.object({ home_page: z.string().optional().catch(undefined) });

/** Milliseconds a preference is kept (contract 2.9) … */
const keptFor = 300_000;
/** … and the usual one, when Codex did not answer. */
const keptAfterFault = 30_000;
/** Milliseconds for Codex (contract 2.9). */
const timeout = 2000;
/** Preferences kept; those asked for longest ago go first. */
const capacity = 5000;

interface Kept<T> {
  readonly value: T;
  readonly until: number;
}

/** Asks Codex what somebody chose there, once in five minutes (contract 2.9, 2.10, 4.8). */
export function createPreferences(options: PreferencesOptions): Preferences {
  const { core, routes, now, patience = 300 } = options;

  function kind<T>(path: string, fallback: T, read: (answer: unknown) => T) {
    const kept = new Map<string, Kept<T>>();
    const asking = new Map<string, Promise<T>>();

    async function ask(origin: string, email: string): Promise<T> {
      let value = fallback;
      let until = now() + keptAfterFault;
      try {
        const token = await core.serviceToken("codex", false);
        const query = new URLSearchParams({ email });
        const response = await options.fetch(`${origin}${path}?${query.toString()}`, {
          headers: { authorization: `Bearer ${token}`, accept: "application/json" },
          redirect: "error",
          signal: AbortSignal.timeout(timeout),
        });
        if (response.status === 200) {
          value = read(await response.json());
          until = now() + keptFor;
        } else await response.body?.cancel();
      } catch {
        // Codex is away; the usual is shown, and Codex left alone for a while.
      }
      kept.delete(email);
      kept.set(email, { value, until });
      if (kept.size > capacity) kept.delete(String(kept.keys().next().value));
      return value;
    }

    return {
      forget: (email: string) => kept.delete(email),
      find: (session: Session | undefined): T | Promise<T> => {
        const email = session?.user.email;
        const origin = routes().get("codex")?.url;
        if (email === undefined || origin === undefined) return fallback;
        const known = kept.get(email);
        if (known !== undefined && now() < known.until) return known.value;
        let asked = asking.get(email);
        if (asked === undefined) {
          asked = ask(origin, email).finally(() => asking.delete(email));
          asking.set(email, asked);
        }
        return within(asked, known?.value ?? fallback, patience);
      },
    };
  }

  const looks = kind("/api/public/user/theme", usualLook, (answer) => {
    const { theme, color_theme } = themeAnswer.parse(answer);
    return { theme, colorTheme: color_theme };
  });
  const homes = kind<string | undefined>(
    "/api/public/user/home-page",
    undefined,
    (answer) => homeAnswer.parse(answer).home_page,
  );
  return {
    look: looks.find,
    home: async (session) => homes.find(session),
    forget({ user: { email } }) {
      if (email === undefined) return;
      looks.forget(email);
      homes.forget(email);
    },
  };
}

async function within<T>(asked: Promise<T>, meanwhile: T, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(resolve, milliseconds, meanwhile);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
