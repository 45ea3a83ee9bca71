import { stat } from "node:fs/promises";
import { connect } from "node:tls";

import type { Probes } from "../probes.ts";
import type { LoggerSettings } from "../settings.ts";
import type { LogStore } from "../store.ts";
import { timestampOf } from "../timestamp.ts";

/** Something that is not as it should be. */
export interface Fault {
  readonly rule: "service" | "disk" | "certificate" | "age" | "sign-ins" | "errors";
  /** What it is about, e.g. a service's name; one alert for each rule and subject. */
  readonly subject: string;
  /** One sentence for people. */
  readonly message: string;
}

export interface RulesOptions {
  readonly settings: LoggerSettings["alerts"]["rules"];
  readonly probes: Probes;
  readonly store: Pick<LogStore, "count" | "errors">;
  readonly usage: () => Promise<number | undefined>;
  readonly now: () => Date;
}

/** Milliseconds that counts go back. */
const span = 300_000;
const dayLength = 86_400_000;

/** Looks at everything that alerts are about. A rule that cannot tell says nothing. */
export async function findFaults(options: RulesOptions): Promise<Fault[]> {
  const rules = [services, disk, certificates, ages, signIns, errors];
  const found = await Promise.allSettled(rules.map((rule) => rule(options)));
  return found.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
}

async function services({ probes }: RulesOptions): Promise<Fault[]> {
  const states = await probes.all();
  return states
    .filter(({ state }) => state !== "running")
    .map(({ name, state, message }) => ({
      rule: "service",
      subject: name,
      message: `${name} is ${state}: ${message}.`,
    }));
}

async function disk({ settings, usage }: RulesOptions): Promise<Fault[]> {
  const used = await usage();
  if (settings.disk === 0 || used === undefined || used < settings.disk) return [];
  const message = `The disk is full to ${used.toFixed(0)} %; alerts begin at ${settings.disk} %.`;
  return [{ rule: "disk", subject: "disk", message }];
}

async function certificates({ settings, probes, now }: RulesOptions): Promise<Fault[]> {
  if (settings.certificateDays === 0) return [];
  const found = await Promise.all(
    probes.names.map(async (subject): Promise<Fault[]> => {
      const address = probes.addressOf(subject);
      if (address?.startsWith("https:") !== true) return [];
      const end = await expiryOf(new URL(address), probes.ca).catch(() => undefined);
      const left = end === undefined ? Infinity : (end.getTime() - now().getTime()) / dayLength;
      if (left >= settings.certificateDays) return [];
      const message = `The certificate of ${subject} is good for ${left.toFixed(0)} more days.`;
      return [{ rule: "certificate", subject, message }];
    }),
  );
  return found.flat();
}

/** One that has expired is refused, and says so by that. */
function expiryOf({ hostname, port }: URL, ca: string | undefined): Promise<Date> {
  return new Promise((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = connect({ host, port: Number(port || 443), ...(ca !== undefined && { ca }) });
    socket.setTimeout(3000, () => socket.destroy(new Error("timeout")));
    socket.once("error", (fault: NodeJS.ErrnoException) => {
      if (fault.code === "CERT_HAS_EXPIRED") resolve(new Date(0));
      else reject(fault);
    });
    socket.once("secureConnect", () => {
      resolve(new Date(socket.getPeerCertificate().valid_to));
      socket.destroy();
    });
  });
}

async function ages({ settings, now }: RulesOptions): Promise<Fault[]> {
  const found = await Promise.all(
    Object.entries(settings.ages).map(async ([subject, { path, hours }]): Promise<Fault[]> => {
      const time = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined,
      );
      const age = time === undefined ? Infinity : (now().getTime() - time) / 3_600_000;
      if (age <= hours) return [];
      const message =
        time === undefined
          ? `There is no ${subject}: ${path} is missing.`
          : `The last ${subject} is ${age.toFixed(0)} hours old; it should be at most ${hours}.`;
      return [{ rule: "age", subject, message }];
    }),
  );
  return found.flat();
}

/** Keycloak's event, whose name is in its line. */
async function signIns({ settings, store, now }: RulesOptions): Promise<Fault[]> {
  if (settings.failedSignIns === 0) return [];
  const start = timestampOf(new Date(now().getTime() - span));
  const words = ["login", "error"];
  const { count } = await store.count({ service: "keycloak", words, start });
  if (count < settings.failedSignIns) return [];
  const message = `${count} sign-ins failed in the last 5 minutes.`;
  return [{ rule: "sign-ins", subject: "keycloak", message }];
}

async function errors({ settings, store, now }: RulesOptions): Promise<Fault[]> {
  if (settings.errors === 0) return [];
  const counts = await store.errors(timestampOf(new Date(now().getTime() - span)));
  return Object.entries(counts)
    .filter(([, count]) => count >= settings.errors)
    .map(([subject, count]) => ({
      rule: "errors",
      subject,
      message: `${subject} wrote ${count} lines of ERROR and above in the last 5 minutes.`,
    }));
}
