import { ServiceError } from "../kernel/serviceError.ts";
import type { Answers } from "./answers.ts";
import { findAsset } from "./assets.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestPath } from "./requestPath.ts";

/** What browsers ask for without being told: the platform's mark, as a drawing. */
export const faviconPath = "/static/img/hive.svg";

/** `/static/…`: kept by browsers for as long as the address names the version. */
export function createStaticFiles(
  answers: Answers,
  version: string,
): (exchange: Exchange, path: RequestPath) => void {
  return (exchange, { raw, query }) => {
    const asset = findAsset(raw);
    if (asset === undefined) {
      throw new ServiceError(404, "ERR_NOT_FOUND", "There is nothing here.");
    }
    const { type, body, etag } = asset;
    const current = new URLSearchParams(query).get("v") === version;
    const headers = {
      etag,
      "cache-control": current ? "public, max-age=31536000, immutable" : "no-cache, max-age=0",
    };
    const known = exchange.request.headers["if-none-match"]?.split(",") ?? [];
    if (known.some((tag) => tag.trim().replace(/^W\//, "") === etag)) {
      answers.bytes(exchange, 304, undefined, headers);
    } else {
      answers.bytes(exchange, 200, body, { ...headers, "content-type": type });
    }
  };
}
