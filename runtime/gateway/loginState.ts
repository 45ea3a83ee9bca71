import { hkdfSync, timingSafeEqual } from "node:crypto";
import { EncryptJWT, jwtDecrypt } from "jose";
import { z } from "zod";

import { onlyCookie, ownPrefix, readCookies, writeCookie } from "./cookies.ts";

const content = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string(),
});

/** What is kept between leaving for Keycloak and coming back. */
export type LoginState = Readonly<z.output<typeof content>>;

/** Seconds to fill in Keycloak's form. */
const lifetime = 600;
/** Sign-ins of one browser under way at a time: tabs. */
const most = 8;
const prefix = `${ownPrefix}-login-`;

export interface LoginStates {
  /** `Set-Cookie` values for a new one; when there are too many already, those go. */
  write(state: LoginState, header: string | undefined): Promise<string[]>;
  /** What belongs to a `state` that came back; undefined: this browser did not begin it, or too long ago. */
  read(state: string, header: string | undefined): Promise<LoginState | undefined>;
  /** `Set-Cookie` value that removes it. */
  clear(state: string): string;
}

/**
 * Sealed in a cookie of the browser that began: nobody else can finish the sign-in (weakness 1),
 * and nothing has to be kept for those who never come back.
 * @param now milliseconds since 1970
 */
export function createLoginStates(cookieKey: string, now: () => number): LoginStates {
  const key = new Uint8Array(
    hkdfSync("sha256", cookieKey, "", "hivematrix gateway: sign-in under way", 32),
  );
  const nameOf = (state: string) => `${prefix}${state.slice(0, 8)}`;
  const clear = (name: string) => writeCookie(name, "", { maxAge: 0 });

  return {
    async write(state, header) {
      const seconds = Math.floor(now() / 1000);
      const sealed = await new EncryptJWT({ ...state })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + lifetime)
        .encrypt(key);
      const old = readCookies(header).filter(({ name }) => name.startsWith(prefix));
      return [
        ...(old.length < most ? [] : old.map(({ name }) => clear(name))),
        writeCookie(nameOf(state.state), sealed, { maxAge: lifetime }),
      ];
    },
    async read(state, header) {
      const sealed = onlyCookie(header, nameOf(state));
      if (sealed === undefined) return undefined;
      try {
        const { payload } = await jwtDecrypt(sealed, key, {
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: ["A256GCM"],
          requiredClaims: ["exp"],
          currentDate: new Date(now()),
        });
        const known = content.parse(payload);
        return isSame(known.state, state) ? known : undefined;
      } catch {
        return undefined;
      }
    },
    clear: (state) => clear(nameOf(state)),
  };
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
