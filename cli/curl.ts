import { readFileSync } from "node:fs";
import { request as requestPlain } from "node:http";
import { request as requestSecurely } from "node:https";
import { join } from "node:path";

import type { Command } from "commander";
import { z } from "zod";

import { addresses } from "../addresses.ts";
import { HiveError } from "./hiveError.ts";
import { makeToken, type TokenOptions, withTokenOptions } from "./token.ts";
import { findTrial, type Trial } from "./trial.ts";

export interface CurlOptions extends TokenOptions {
  readonly request?: string;
  readonly data?: string;
}

export interface CurlAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Without --ttl: a token that is good for this one request. */
const briefly = "1m";

/** Milliseconds. */
const patience = 30_000;

export function addCurl(program: Command): void {
  withTokenOptions(
    program
      .command("curl")
      .description("ask a service as an admin: hive curl /helm/api/logs; exit code 1 from 400 on")
      .argument("<path>", "as in the browser: the service's name first"),
  )
    .option("-X, --request <method>", "default GET, with --data POST")
    .option("-d, --data <json>", "body")
    .action(async (path: string, options: CurlOptions & { stack: string }) => {
      const { status, body } = await askService(findTrial(options.stack), path, options);
      process.stdout.write(body);
      if (status < 400) return;
      process.stderr.write(`status ${status}\n`);
      process.exitCode = 1;
    });
}

/**
 * Asks the gateway; where that takes no token, the service itself on its own port.
 * @throws HiveError
 */
export async function askService(
  trial: Trial,
  path: string,
  options: CurlOptions,
): Promise<CurlAnswer> {
  const [, name, rest = "/"] = /^\/([a-z][a-z0-9_-]*)((?:[/?].*)?)$/.exec(path) ?? [];
  if (name === undefined) throw new HiveError("The path begins with a service: /helm/api/logs.", 2);
  const token = await makeToken(trial, { ttl: briefly, ...options });
  const through = await ask(`${addresses(trial.ports).gateway}${path}`, token, trial, options);
  if (![301, 302, 303, 307, 401].includes(through.status)) return through;
  const direct = originOf(trial, name);
  if (direct === undefined) return through;
  return ask(`${direct}${rest.startsWith("/") ? rest : `/${rest}`}`, token, trial, options);
}

/** Of a service that runs, as `<root>/health.json` says. */
function originOf({ root }: Trial, name: string): string | undefined {
  try {
    const text = readFileSync(join(root, "health.json"), "utf8");
    const address = z.record(z.string(), z.url()).parse(JSON.parse(text))[name];
    return address === undefined ? undefined : new URL(address).origin;
  } catch {
    return undefined;
  }
}

function ask(
  url: string,
  token: string,
  trial: Trial,
  { data, request: method = data === undefined ? "GET" : "POST" }: CurlOptions,
): Promise<CurlAnswer> {
  const start = url.startsWith("https:") ? requestSecurely : requestPlain;
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/json",
    ...(data === undefined ? {} : { "content-type": "application/json" }),
  };
  const ca = url.startsWith("https:") ? { ca: authorityOf(trial) } : {};
  const signal = AbortSignal.timeout(patience);
  return new Promise((resolve, reject) => {
    const asked = start(url, { method, headers, signal, agent: false, ...ca }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
      });
      response.on("error", reject);
    });
    asked.on("error", () => {
      reject(
        new HiveError(`${new URL(url).origin} does not answer: \`npx hive status\` tells more.`),
      );
    });
    asked.end(data);
  });
}

function authorityOf({ root, stack }: Trial): Buffer {
  try {
    return readFileSync(join(root, "tls", "ca.crt"));
  } catch {
    throw new HiveError(`Stack ${stack} has no certificate yet: run \`npm run up\`.`);
  }
}
