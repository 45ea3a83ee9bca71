import { once } from "node:events";
import http from "node:http";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";

import { messageOf } from "./fault.ts";
import { lastLines } from "./resource.ts";
import type { Check } from "./readiness.ts";
import type { Transport } from "./transport/transport.ts";

/** Tries one check once: why it does not pass, or undefined. */
export async function attempt(
  transport: Transport,
  check: Check,
  signal: AbortSignal,
  user: string | undefined,
): Promise<string | undefined> {
  try {
    if (check.tcp) {
      await tcp(transport, check.tcp, signal);
      return;
    }
    if (check.http) return await request(transport, check.http, signal);
    if (check.exec) return await exec(transport, check.exec, signal, user);
    return undefined;
  } catch (error) {
    const late = signal.aborted ? "no answer" : messageOf(error);
    return `${describe(check)}: ${late}`;
  }
}

function describe(check: Check): string {
  if (check.tcp) return `port ${check.tcp.port}`;
  return check.http?.url ?? check.exec?.command[0] ?? "check";
}

async function tcp(
  transport: Transport,
  { host = "127.0.0.1", port }: NonNullable<Check["tcp"]>,
  signal: AbortSignal,
): Promise<undefined> {
  const stream = await transport.connect(host, port, signal);
  stream.on("error", () => undefined);
  stream.destroy();
}

/** A GET over the host's own connection; only the status counts. */
async function request(
  transport: Transport,
  { url, status = 200, certificateAuthority }: NonNullable<Check["http"]>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const target = new URL(url);
  const secure = target.protocol === "https:";
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const plain = await transport.connect(host, Number(target.port || (secure ? 443 : 80)), signal);
  const stream = secure ? await encrypted(plain, host, certificateAuthority, signal) : plain;
  try {
    const sent = http.get(target.href.replace(/^https:/, "http:"), {
      // An agent, also `agent: false`, would connect by itself.
      createConnection: () => stream,
      headers: { host: target.host },
      signal,
    });
    const [response] = (await once(sent, "response", { signal })) as [http.IncomingMessage];
    response.resume();
    if (response.statusCode === status) return undefined;
    return `${url} answers ${String(response.statusCode)} instead of ${status}`;
  } finally {
    stream.on("error", () => undefined);
    plain.on("error", () => undefined);
    stream.destroy();
    plain.destroy();
  }
}

/** TLS over a connection that is there. @throws Error when the certificate is not trusted. */
async function encrypted(
  plain: Duplex,
  host: string,
  certificateAuthority: string | undefined,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const stream = tls.connect({
    socket: plain,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(certificateAuthority === undefined
      ? {}
      : { ca: [...tls.rootCertificates, certificateAuthority] }),
  });
  try {
    await once(stream, "secureConnect", { signal });
    return stream;
  } catch (error) {
    stream.on("error", () => undefined);
    stream.destroy();
    plain.destroy();
    throw error;
  }
}

async function exec(
  transport: Transport,
  { command, env }: NonNullable<Check["exec"]>,
  signal: AbortSignal,
  user: string | undefined,
): Promise<string | undefined> {
  const { code, stdout, stderr } = await transport.run(command, { env, user, signal });
  if (code === 0) return undefined;
  const said = lastLines(stderr, 1) || lastLines(stdout, 1);
  return `${command[0] ?? ""} ends with ${code}${said === "" ? "" : `: ${said}`}`;
}
