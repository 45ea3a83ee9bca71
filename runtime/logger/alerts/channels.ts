import { createTransport } from "nodemailer";
import { request } from "undici";

import type { LoggerSettings } from "../settings.ts";
import type { Alert } from "./alert.ts";

/** Tells one alert to somebody; rejects with a reason for people that holds no secret. */
export type Channel = (alert: Alert) => Promise<void>;

/** Milliseconds that a channel may take. */
const timeout = 10_000;

/** The channels that the settings name: `webhook`, `ntfy`, `mail`. */
export function openChannels(
  { webhook, ntfy, mail }: LoggerSettings["alerts"]["channels"],
  host: string,
): ReadonlyMap<string, Channel> {
  const all = new Map<string, Channel>();
  if (webhook !== undefined) {
    all.set("webhook", (alert) => {
      const headers = { "content-type": "application/json", ...webhook.headers };
      return post(webhook.url, headers, JSON.stringify({ ...alert, host }));
    });
  }
  if (ntfy !== undefined) {
    // docs.ntfy.sh/publish
    all.set("ntfy", (alert) => {
      const { token } = ntfy;
      const headers = {
        title: titleOf(alert, host),
        priority: alert.state === "raised" ? "high" : "default",
        tags: alert.state === "raised" ? "warning" : "white_check_mark",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      };
      return post(ntfy.url, headers, alert.message);
    });
  }
  if (mail !== undefined) {
    const limits = { connectionTimeout: timeout, greetingTimeout: timeout, socketTimeout: timeout };
    const transport = createTransport({ url: mail.server, ...limits });
    all.set("mail", async (alert) => {
      const text = `${alert.message}\n\nSince ${alert.raised_at}${
        alert.cleared_at === null ? "" : `, until ${alert.cleared_at}`
      }.\n`;
      try {
        const { from, to } = mail;
        await transport.sendMail({ from, to: [...to], subject: titleOf(alert, host), text });
      } catch (fault) {
        // A server's own sentence may repeat what it was sent.
        const { code, responseCode } = fault as { code?: string; responseCode?: number };
        throw new Error(`the mail server: ${responseCode ?? code ?? "no answer"}`, {
          cause: fault,
        });
      }
    });
  }
  return all;
}

function titleOf({ rule, subject, state }: Alert, host: string): string {
  return `${host}: ${rule} ${subject} ${state}`.replace(/[^\x20-\x7e]/g, "?");
}

async function post(url: string, headers: Record<string, string>, body: string): Promise<void> {
  let status: number;
  try {
    const signal = AbortSignal.timeout(timeout);
    const response = await request(url, { method: "POST", headers, body, signal });
    await response.body.dump();
    status = response.statusCode;
  } catch (cause) {
    throw new Error("no answer", { cause });
  }
  if (status < 200 || status > 299) throw new Error(`status ${status}`);
}
