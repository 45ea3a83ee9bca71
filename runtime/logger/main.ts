import { Pool } from "pg";

import { ConfigError } from "../kernel/config.ts";
import { createLog } from "../kernel/log.ts";
import { serve } from "../kernel/server.ts";
import { createLogger } from "./app.ts";
import { readLoggerConfig } from "./config.ts";
import { poolOptions } from "./pool.ts";

const fallback = createLog("helm", "info");
try {
  const config = readLoggerConfig(process.env);
  const log = createLog(config.SERVICE_NAME, config.LOG_LEVEL);
  const pool = new Pool(poolOptions(config));
  pool.on("error", (fault) => {
    log.warn({ err: fault }, "a connection to the database broke");
  });
  const { app, collector, drain, close } = await createLogger({ config, pool, log });
  const end = () => close().then(() => pool.end());
  const listeners = [{ server: app.server, host: "127.0.0.1" }];
  await serve({
    listeners,
    port: config.PORT,
    readyFile: config.READY_FILE,
    log,
    drain,
    close: end,
  });
  collector.start();
} catch (fault) {
  if (fault instanceof ConfigError) process.stderr.write(`${fault.message}\n`);
  else fallback.fatal({ err: fault }, "did not start");
  process.exit(fault instanceof ConfigError ? 78 : 1);
}
