import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { cores, processorTime, type Contestant } from "./contestant.ts";
import { debianProgram } from "./programs.ts";

/** One kind of request under one kind of load. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
}

export interface Measured {
  /** Requests a second. */
  readonly rate: number;
  /** Microseconds of processor time a request. */
  readonly cpu: number;
  /** Milliseconds below which 99 of 100 answers took. */
  readonly p99: number;
}

/**
 * Asks one contestant over kept TLS 1.3 connections, as fast as it answers.
 * @throws Error when an answer is not a success: nothing would be compared
 */
export async function measure(
  contestant: Contestant,
  { path, headers, connections }: Case,
  seconds: number,
): Promise<Measured> {
  const { path: wrk, env } = debianProgram("wrk");
  const sent = { ...headers, ...contestant.headers };
  const before = processorTime(contestant.processes);
  const { stdout } = await promisify(execFile)(
    "taskset",
    [
      ...["-c", String(cores.rest), wrk, "-t1", `-c${String(connections)}`],
      ...[`-d${String(seconds)}s`, "--latency"],
      ...Object.entries(sent).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      `https://localhost:${String(contestant.port)}${path}`,
    ],
    { env },
  );
  const used = processorTime(contestant.processes) - before;
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${contestant.name}:\n${stdout}`);
  const [, requests = "", duration = ""] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? [];
  const [, time = "", unit = ""] = /99% +([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  if (requests === "" || time === "") throw new Error(`wrk says:\n${stdout}`);
  return {
    rate: Number(requests) / Number(duration),
    cpu: (used * 1e6) / Number(requests),
    p99: Number(time) * (unit === "us" ? 0.001 : unit === "ms" ? 1 : 1000),
  };
}
