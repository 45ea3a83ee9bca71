import { z } from "zod";

/** A service's name as everywhere in the platform. */
export const serviceName = z.string().regex(/^[a-z0-9_-]{1,50}$/, "must be a service's name");

const days = z.int().min(1).max(3650);
const address = z.url({ protocol: /^https?$/ });

/** Headers of a request, e.g. `authorization`; may be secret. */
const headers = z.record(z.string().regex(/^[\w-]{1,100}$/), z.string()).default({});

/** Thresholds of the alerts; a rule with 0 is off. */
const rules = z
  .strictObject({
    /** Percent of the disk in use. */
    disk: z.int().min(0).max(100).default(90),
    /** Days that a certificate is good for. */
    certificateDays: z.int().min(0).max(365).default(14),
    /** Failed sign-ins in 5 minutes. */
    failedSignIns: z.int().min(0).default(20),
    /** Lines of level ERROR and above of one service in 5 minutes. */
    errors: z.int().min(0).default(50),
    /** Files that are written anew at least every so many hours, by what they stand for. */
    ages: z
      .record(
        z.string().regex(/^[\w -]{1,50}$/),
        z.strictObject({ path: z.string().startsWith("/"), hours: z.number().positive() }),
      )
      .default({}),
    /** Seconds that a fault lasts before an alert is raised, and that it is gone before it clears. */
    raiseAfter: z.int().min(0).max(3600).default(60),
    clearAfter: z.int().min(0).max(86_400).default(300),
  })
  .prefault({});

/** Where alerts are told; all of those that are given. */
const channels = z
  .strictObject({
    webhook: z.strictObject({ url: address, headers }).optional(),
    /** Topic's address, e.g. https://ntfy.sh/my-topic, and an access token. */
    ntfy: z.strictObject({ url: address, token: z.string().optional() }).optional(),
    mail: z
      .strictObject({
        /** smtp://user:password@host:587, or smtps:// for TLS from the beginning. */
        server: z.url({ protocol: /^smtps?$/ }),
        from: z.string().min(3),
        to: z.array(z.string().min(3)).min(1),
      })
      .optional(),
  })
  .prefault({});

/** What is true of this stack's logger: `hivematrix:logger`, and the logger's environment SETTINGS. */
export const loggerSettings = z
  .strictObject({
    retention: z
      .strictObject({
        /** Days that lines are kept. */
        days: days.default(30),
        /** Gigabytes (2^30 bytes) of all lines together with their indexes. */
        gigabytes: z.number().positive().max(100_000).default(20),
        /** Days for the lines of some services, below the days of all. */
        services: z.record(serviceName, days).default({}),
        /** Percent of the disk in use from which on the oldest lines go whatever their age. */
        highWater: z.int().min(50).max(99).default(92),
      })
      .prefault({}),
    /** Names whose values are secret, besides the usual ones. */
    secretNames: z.array(z.string().regex(/^\w{3,40}$/)).default([]),
    /** Services whose lines users below administrator may read, by their level. */
    readers: z
      .partialRecord(z.enum(["technician", "billing", "client"]), z.array(serviceName).readonly())
      .default({}),
    alerts: z.strictObject({ rules, channels }).prefault({}),
    /** An OTLP/HTTP endpoint's address of logs, e.g. https://logs.example.com/v1/logs. */
    forward: z.strictObject({ url: address, headers }).optional(),
  })
  .prefault({});

export type LoggerSettings = z.output<typeof loggerSettings>;
