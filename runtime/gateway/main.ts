import { ConfigError } from "../kernel/config.ts";
import { createLog } from "../kernel/log.ts";
import { serve } from "../kernel/server.ts";
import { createGateway } from "./app.ts";
import { readGatewayConfig } from "./config.ts";
import { readFiles } from "./files.ts";

const fallback = createLog("nexus", "info");
try {
  const config = readGatewayConfig(process.env);
  const log = createLog(config.SERVICE_NAME, config.LOG_LEVEL);
  const { listeners, use, drain, close } = createGateway({ config, files: readFiles(config), log });
  process.on("SIGHUP", () => {
    try {
      use(readFiles(config));
      log.info("routes and certificate were read again");
    } catch (fault) {
      log.error({ err: fault }, "routes and certificate stay as they are");
    }
  });
  await serve({ listeners, port: config.PORT, readyFile: config.READY_FILE, log, drain, close });
} catch (fault) {
  if (fault instanceof ConfigError) process.stderr.write(`${fault.message}\n`);
  else fallback.fatal({ err: fault }, "did not start");
  process.exit(fault instanceof ConfigError ? 78 : 1);
}
