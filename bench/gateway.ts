/**
 * The gateway beside nginx, nginx with auth_request (and an oauth2-proxy that it asks), Caddy and
 * oauth2-proxy: the same requests of one signed-in user, TLS 1.3, kept connections, access log on.
 * Each contestant has one processor for itself while it is measured, load and backend have another.
 * They take turns in every round, so that a slow moment hits all; a ratio is the median of its
 * rounds, and the worst of the four cases is what counts.
 * Usage: npm run bench -- gateway [SECONDS a measurement, default 4] [ROUNDS, default 3]
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { stop, type Contestant } from "./gateway/contestant.ts";
import {
  preparePlace,
  startAuthRequest,
  startCaddy,
  startGateway,
  startOauth2,
  startPlainNginx,
} from "./gateway/contestants.ts";
import { measure, type Case, type Measured } from "./gateway/load.ts";
import { startStandIns } from "./gateway/standIns.ts";
import { memoryOf } from "./logger/server.ts";

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 3);

const page = {
  accept: "text/html,application/xhtml+xml",
  "sec-fetch-site": "same-origin",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
};
const data = {
  accept: "application/json",
  "sec-fetch-site": "same-origin",
  "sec-fetch-mode": "cors",
  "sec-fetch-dest": "empty",
};
const cases: readonly Case[] = [32, 128].flatMap((connections) => [
  { name: `page ${String(connections)}`, path: "/codex/page.html", headers: page, connections },
  { name: `json ${String(connections)}`, path: "/codex/data.json", headers: data, connections },
]);

const folder = mkdtempSync(join(tmpdir(), "bench-gateway-"));
// nginx gives up root for its worker.
chmodSync(folder, 0o755);
const standIns = await startStandIns();
const place = await preparePlace(folder, standIns);
const contestants: Contestant[] = [];
try {
  for (const begin of [startGateway, startPlainNginx, startAuthRequest, startCaddy, startOauth2]) {
    contestants.push(await begin(place));
  }
  const results = new Map<string, Measured[]>();
  for (const each of cases) {
    // What has just started is not yet as fast as it will be.
    for (const contestant of contestants) await measure(contestant, each, 2);
    for (let round = 0; round < rounds; round += 1) {
      for (const contestant of contestants) {
        const key = `${each.name} ${contestant.name}`;
        const measured = await measure(contestant, each, seconds);
        results.set(key, [...(results.get(key) ?? []), measured]);
      }
    }
    for (const { name } of contestants)
      print(each, name, results.get(`${each.name} ${name}`) ?? []);
  }
  const worst = (
    peer: string,
    ratio: (ours: Measured, theirs: Measured) => number,
    pick: (...values: number[]) => number,
  ): number =>
    rounded(
      pick(
        ...cases.map(({ name }) => {
          const ours = results.get(`${name} gateway`) ?? [];
          const theirs = results.get(`${name} ${peer}`) ?? [];
          return median(ours.map((one, index) => ratio(one, theirs[index] ?? one)));
        }),
      ),
    );
  const rate = (ours: Measured, theirs: Measured): number => ours.rate / theirs.rate;
  const [gateway] = contestants[0]?.processes ?? [];
  const ratios = {
    cpu_vs_nginx: worst("nginx", (ours, theirs) => ours.cpu / theirs.cpu, Math.max),
    rps_vs_oauth2proxy: worst("oauth2-proxy", rate, Math.min),
    rps_vs_auth_request: worst("auth_request", rate, Math.min),
    rps_vs_caddy: worst("caddy", rate, Math.min),
    p99_vs_caddy: worst("caddy", (ours, theirs) => ours.p99 / theirs.p99, Math.max),
    rss_mb: gateway === undefined ? 0 : Math.round(memoryOf(gateway) / 2 ** 20),
  };
  console.log(JSON.stringify({ bench: "gateway", ratios }));
} finally {
  await stop([...contestants.flatMap(({ processes }) => processes), place.process]);
  standIns.close();
  rmSync(folder, { recursive: true });
}

function print({ name }: Case, contestant: string, measured: readonly Measured[]): void {
  const of = (pick: (one: Measured) => number) => median(measured.map(pick));
  console.log(
    `${name.padEnd(9)} ${contestant.padEnd(13)} ${of((one) => one.rate)
      .toFixed(0)
      .padStart(7)} requests/s ${of((one) => one.cpu)
      .toFixed(1)
      .padStart(7)} µs each ${of((one) => one.p99)
      .toFixed(1)
      .padStart(7)} ms p99`,
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const above = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? above : (above + (sorted[middle - 1] ?? 0)) / 2;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
