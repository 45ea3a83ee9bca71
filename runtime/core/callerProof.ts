import type { IncomingMessage } from "node:http";

import type { AuditEntry } from "./auditLog.ts";
import type { Assertions } from "./assertions.ts";
import { type Callers, unauthenticated } from "./callers.ts";
import type { ConnectionOwners } from "./connectionOwners.ts";

export interface CallerProofOptions {
  readonly callers: Callers;
  readonly assertions: Assertions;
  readonly owners: ConnectionOwners;
  /** Compatibility switch: with `believed` a caller's word is enough, except for the gateway's name. */
  readonly unproven: "refused" | "believed";
  readonly gateway: string;
  readonly note: (entry: AuditEntry) => void;
}

/** What the request says itself. */
export interface Claim {
  readonly assertion: string | undefined;
  readonly calling: string | undefined;
}

/** Headers of a request that came through somebody else: then the socket is not the caller's. */
const forwarded = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/**
 * Who asks for a service's token: by its secret; by an assertion it signed; by the system user that
 * owns the connection; and, only where the stack says so, by its word.
 */
export class CallerProof {
  readonly #options: CallerProofOptions;

  constructor(options: CallerProofOptions) {
    this.#options = options;
  }

  /** Whether nothing in the body could prove anything: then it need not be read. @throws ServiceError 401 */
  async refuseEarly(request: IncomingMessage): Promise<void> {
    const { assertions, unproven } = this.#options;
    if (assertions.any || unproven === "believed") return;
    await this.of(request, { assertion: undefined, calling: undefined });
  }

  /**
   * @returns name of the caller
   * @throws ServiceError 401 when it did not prove it, which is noted
   */
  async of(request: IncomingMessage, { assertion, calling }: Claim): Promise<string> {
    const { callers, assertions, owners, unproven, gateway, note } = this.#options;
    const known = callers.find(request);
    if (known !== undefined) return known;
    let reason = "no proof";
    let uid: number | undefined;
    if (assertion !== undefined) {
      const name = await assertions.callerOf(assertion);
      if (name !== undefined) return name;
      reason = "assertion";
    } else if (request.headers.authorization !== undefined) {
      reason = "wrong secret";
    } else if (forwarded.some((header) => request.headers[header] !== undefined)) {
      reason = "forwarded";
    } else {
      const owner = owners.any ? await owners.of(request.socket) : undefined;
      if (owner?.name !== undefined) return owner.name;
      if (owner !== undefined) ({ reason, uid } = { uid: undefined, ...owner });
      if (unproven === "believed" && calling !== undefined && calling !== gateway) {
        note({ action: "caller.believed", actor: calling });
        return calling;
      }
    }
    const details = { reason, ...(uid === undefined ? {} : { uid }) };
    note({ action: "service_token.refused", details });
    throw unauthenticated();
  }
}
