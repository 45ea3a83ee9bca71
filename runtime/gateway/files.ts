import { readFileSync } from "node:fs";

import type { GatewayFiles } from "./app.ts";
import type { GatewayConfig } from "./config.ts";
import { readRoutes } from "./routes.ts";

/** @throws Error naming the file that cannot be used */
export function readFiles(config: GatewayConfig): GatewayFiles {
  const { TLS_LOCAL_CERTIFICATE_FILE: certificate, TLS_LOCAL_KEY_FILE: key } = config;
  return {
    routes: readRoutes(config.ROUTES_FILE),
    certificate: readFileSync(config.TLS_CERTIFICATE_FILE, "utf8"),
    key: readFileSync(config.TLS_KEY_FILE, "utf8"),
    local:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") },
  };
}
