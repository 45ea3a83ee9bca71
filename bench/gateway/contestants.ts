import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, fetch } from "undici";

import { bundle } from "../../components/bundle.ts";
import { issueAuthority, issueCertificate } from "../../provider/pki.ts";
import type { GatewayEnv } from "../../runtime/gateway/config.ts";
import { freePort } from "../../test/support/freePort.ts";
import * as configurations from "./configurations.ts";
import { cores, listening, start, type Contestant } from "./contestant.ts";
import { debianProgram, goProgram } from "./programs.ts";
import type { StandIns } from "./standIns.ts";

interface Place {
  readonly folder: string;
  readonly backend: number;
  readonly certificate: configurations.Certificate;
  readonly standIns: StandIns;
}

/** Certificate, pages and the backend, which is an nginx without a log. */
export async function preparePlace(
  folder: string,
  standIns: StandIns,
): Promise<Place & { readonly process: Contestant["processes"][number] }> {
  const authority = await issueAuthority("Bench", 1);
  const issued = await issueCertificate({
    authorityCertificate: authority.certificate,
    authorityKey: authority.privateKey,
    names: ["localhost"],
    days: 1,
  });
  const certificate = { chain: join(folder, "chain.pem"), key: join(folder, "key.pem") };
  writeFileSync(certificate.chain, issued.certificate);
  writeFileSync(certificate.key, issued.privateKey, { mode: 0o600 });

  for (const pages of ["www/codex", "www"].map((path) => join(folder, path))) {
    mkdirSync(pages, { recursive: true });
    const begin =
      '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>A page</title></head>\n<body><main>\n';
    const end = "</main></body>\n</html>\n";
    const room = 1024 - begin.length - end.length;
    writeFileSync(
      join(pages, "page.html"),
      begin + "<p>Some words</p>\n".repeat(100).slice(0, room) + end,
    );
    writeFileSync(join(pages, "data.json"), JSON.stringify({ data: "x".repeat(189) }));
  }
  const backend = await freePort();
  const process = startNginx(
    folder,
    "backend",
    configurations.backend(backend, folder),
    cores.rest,
  );
  await listening(backend, { folder, name: "backend" });
  return { folder, backend, certificate, standIns, process };
}

function startNginx(folder: string, name: string, http: string, core: number) {
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, configurations.nginx({ folder, name, http }));
  const program = debianProgram("nginx");
  return start({ program, args: ["-p", folder, "-c", file], core, folder, name });
}

/** As it is shipped; only the limits for one user and one address are out of the way of one client. */
export async function startGateway({
  folder,
  backend,
  certificate,
  standIns,
}: Place): Promise<Contestant> {
  const port = await freePort();
  const routes = join(folder, "routes.json");
  const service = { title: "", url: `http://127.0.0.1:${String(backend)}`, groups: ["admins"] };
  const names = ["codex", "ledger", "knowledgetree", "brainhair", "beacon", "helm"];
  writeFileSync(
    routes,
    JSON.stringify({ services: names.map((name) => ({ ...service, name, title: name })) }),
  );
  const env: GatewayEnv & Record<string, string> = {
    PORT: String(port),
    HOSTS: "127.0.0.1",
    PUBLIC_ORIGIN: `https://localhost:${String(port)}`,
    TLS_CERTIFICATE_FILE: certificate.chain,
    TLS_KEY_FILE: certificate.key,
    ROUTES_FILE: routes,
    CORE_URL: standIns.core,
    SERVICE_SECRET: "bench".repeat(8),
    LOGGER_URL: standIns.logger,
    KEYCLOAK_URL: standIns.identity,
    KEYCLOAK_REALM: "bench",
    KEYCLOAK_CLIENT_ID: "bench",
    KEYCLOAK_CLIENT_SECRET: "bench",
    COOKIE_KEY: "bench".repeat(8),
    MALLOC_ARENA_MAX: "1",
    METRICS_PORT: String(await freePort()),
    REQUESTS_PER_USER: "1000000000",
    REQUESTS_PER_ADDRESS: "1000000000",
  };
  const program = { path: process.execPath, env: { ...env } };
  const child = start({
    program,
    args: ["--max-semi-space-size=2", join(bundle("gateway").source, "main.js")],
    core: cores.contestant,
    folder,
    name: "gateway",
  });
  await listening(port, { folder, name: "gateway" });
  return {
    name: "gateway",
    port,
    processes: [child],
    headers: { cookie: `__Host-hivematrix=${standIns.cookie}` },
  };
}

export async function startPlainNginx(place: Place): Promise<Contestant> {
  const port = await freePort();
  const http = configurations.front({ ...place, port, name: "nginx" });
  const child = startNginx(place.folder, "nginx", http, cores.contestant);
  await listening(port, { folder: place.folder, name: "nginx" });
  return { name: "nginx", port, processes: [child], headers: {} };
}

/** nginx that asks an oauth2-proxy about every request. */
export async function startAuthRequest(place: Place): Promise<Contestant> {
  const port = await freePort();
  const auth = await freePort();
  const origin = `http://127.0.0.1:${String(auth)}`;
  const proxy = startOauth2Proxy(place, "auth", origin, [
    `--http-address=127.0.0.1:${String(auth)}`,
  ]);
  await listening(auth, { folder: place.folder, name: "auth" });
  const http = configurations.front({ ...place, port, name: "auth_request", auth });
  const child = startNginx(place.folder, "auth_request", http, cores.contestant);
  await listening(port, { folder: place.folder, name: "auth_request" });
  return {
    name: "auth_request",
    port,
    processes: [child, proxy],
    headers: { cookie: await signIn(origin) },
  };
}

export async function startOauth2(place: Place): Promise<Contestant> {
  const port = await freePort();
  const origin = `https://localhost:${String(port)}`;
  const child = startOauth2Proxy(place, "oauth2-proxy", origin, [
    `--https-address=127.0.0.1:${String(port)}`,
    `--tls-cert-file=${place.certificate.chain}`,
    `--tls-key-file=${place.certificate.key}`,
    "--tls-min-version=TLS1.3",
    "--http-address=-",
  ]);
  await listening(port, { folder: place.folder, name: "oauth2-proxy" });
  return {
    name: "oauth2-proxy",
    port,
    processes: [child],
    headers: { cookie: await signIn(origin) },
  };
}

function startOauth2Proxy(
  { folder, backend, standIns }: Place,
  name: string,
  origin: string,
  args: readonly string[],
) {
  const file = join(folder, `${name}.cfg`);
  const { identity } = standIns;
  writeFileSync(file, configurations.oauth2Proxy({ identity, backend, origin }));
  const program = goProgram("oauth2-proxy");
  return start({
    program,
    args: [`--config=${file}`, ...args],
    core: cores.contestant,
    folder,
    name,
  });
}

/** Through the code flow, as a browser would. @returns the cookies of the session */
async function signIn(origin: string): Promise<string> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const options = { dispatcher, redirect: "manual" } as const;
  const begun = await fetch(`${origin}/oauth2/start?rd=/`, options);
  const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state") ?? "";
  const query = new URLSearchParams({ code: "bench", state });
  const done = await fetch(`${origin}/oauth2/callback?${query.toString()}`, {
    ...options,
    headers: { cookie: cookiesOf(begun.headers.getSetCookie()) },
  });
  const cookie = cookiesOf(done.headers.getSetCookie().filter((one) => !/csrf/i.test(one)));
  await dispatcher.close();
  if (done.status !== 302 || cookie === "") throw new Error("oauth2-proxy does not sign in");
  return cookie;
}

function cookiesOf(lines: readonly string[]): string {
  return lines.map((line) => line.split(";", 1)[0]).join("; ");
}

export async function startCaddy(place: Place): Promise<Contestant> {
  const port = await freePort();
  const { folder } = place;
  const file = join(folder, "Caddyfile");
  writeFileSync(file, configurations.caddy({ ...place, port }));
  const child = start({
    program: goProgram("caddy"),
    args: ["run", "--config", file, "--adapter", "caddyfile"],
    core: cores.contestant,
    env: { HOME: folder },
    folder,
    name: "caddy",
  });
  await listening(port, { folder, name: "caddy" });
  return { name: "caddy", port, processes: [child], headers: {} };
}
