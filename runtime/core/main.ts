import { Pool } from "pg";

import { ConfigError } from "../kernel/config.ts";
import { createLog } from "../kernel/log.ts";
import { serve } from "../kernel/server.ts";
import { createCore } from "./app.ts";
import { poolOptions, readCoreConfig } from "./config.ts";

try {
  const config = readCoreConfig(process.env);
  const log = createLog("core", config.LOG_LEVEL);
  const pool = new Pool(poolOptions(config));
  pool.on("error", (err) => {
    log.warn({ err }, "a connection to the database broke");
  });
  const core = await createCore({ config, pool, log });
  const listeners = [{ server: core.app.server, host: "127.0.0.1" }];
  const close = (): Promise<void> => core.close().then(() => pool.end());
  const { PORT: port, READY_FILE: readyFile } = config;
  await serve({ listeners, port, readyFile, log, drain: core.drain, close });
} catch (fault) {
  const misconfigured = fault instanceof ConfigError;
  if (misconfigured) process.stderr.write(`${fault.message}\n`);
  else createLog("core", "info").fatal({ err: fault }, "did not start");
  process.exit(misconfigured ? 78 : 1);
}
