import { z } from "zod";

import { answersHttp, answersTcp } from "../cli/probe.ts";
import type { Terminal } from "./terminal.js";

/** The stack outputs that a person is told; the program's stable names. */
const outputsSchema = z.looseObject({
  gatewayUrl: z.string().optional(),
  helmUrl: z.string().optional(),
  keycloakAdminUrl: z.string().optional(),
  coreUrl: z.string().optional(),
  caCertificatePath: z.string().optional(),
  adminUsername: z.string().optional(),
  adminPassword: z.string().optional(),
});

export type Outputs = z.infer<typeof outputsSchema>;

const addresses = {
  gatewayUrl: "HiveMatrix",
  helmUrl: "Helm",
  coreUrl: "Core",
  keycloakAdminUrl: "Keycloak",
} as const;

/** @param text of `pulumi stack output --json` */
export function parseOutputs(text: string): Outputs {
  return outputsSchema.parse(JSON.parse(text));
}

/** Which addresses answer. */
export async function probeAddresses(outputs: Outputs): Promise<Map<string, boolean>> {
  const urls = Object.keys(addresses).flatMap((key) => {
    const url = outputs[key];
    return typeof url === "string" ? [url] : [];
  });
  const answers = await Promise.all(
    urls.map(async (url) => {
      const { protocol, hostname, port } = new URL(url);
      // The local CA is not trusted here: for https an open port has to do.
      if (protocol === "https:") {
        const host = hostname === "localhost" ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, "");
        return await answersTcp(Number(port || 443), host);
      }
      return await answersHttp(url);
    }),
  );
  return new Map(urls.map((url, index) => [url, answers[index] === true]));
}

/**
 * What is told after `up`.
 * @param announce whether this is the time to show the one-time password
 */
export function describeOutputs(
  outputs: Outputs,
  answering: ReadonlyMap<string, boolean>,
  { announce, terminal }: { announce: boolean; terminal: Terminal },
): string[] {
  const lines = [""];
  for (const [key, name] of Object.entries(addresses)) {
    const url = outputs[key];
    if (typeof url !== "string") continue;
    const answers = answering.get(url) === true;
    const mark = answers ? terminal.green("✓") : terminal.dim("○");
    lines.push(`${mark} ${name.padEnd(11)} ${url}${answers ? "" : terminal.dim("  no answer")}`);
  }
  if (outputs.adminUsername !== undefined) {
    const password = announce
      ? `${outputs.adminPassword ?? ""}   (one-time: a new one is asked for at the first sign-in)`
      : terminal.dim(
          'was shown once: eval "$(npx hive env)" && pulumi stack output adminPassword --show-secrets',
        );
    lines.push(`  User        ${outputs.adminUsername}`, `  Password    ${password}`);
  }
  if (outputs.caCertificatePath !== undefined && announce) {
    lines.push(
      "  Trust the local CA (once):",
      `    sudo cp ${outputs.caCertificatePath} /usr/local/share/ca-certificates/hivematrix.crt && sudo update-ca-certificates`,
    );
  }
  const { gatewayUrl } = outputs;
  if (announce && gatewayUrl !== undefined) {
    lines.push(`  Next: sign in at ${gatewayUrl}, then \`npx hive status\` and \`npx hive logs\``);
  } else lines.push("  Next: npx hive status");
  return lines;
}

/** What is told after `up` of a real host: only its entry can be reached from here. */
export function describeRealOutputs(
  { gatewayUrl = "", adminUsername = "", adminPassword = "", caCertificatePath = "" }: Outputs,
  answering: ReadonlyMap<string, boolean>,
  { announce, terminal, stack }: { announce: boolean; terminal: Terminal; stack: string },
): string[] {
  const answers = answering.get(gatewayUrl) === true;
  const mark = answers ? terminal.green("✓") : terminal.dim("○");
  const silence = answers
    ? ""
    : terminal.dim("  no answer from here: look at its name and firewalls");
  const password = announce
    ? `${adminPassword}   (one-time: a new one is asked for at the first sign-in)`
    : terminal.dim(
        `was shown once: pulumi stack output adminPassword --show-secrets --stack ${stack}`,
      );
  return [
    "",
    `${mark} HiveMatrix  ${gatewayUrl}${silence}`,
    `  User        ${adminUsername}`,
    `  Password    ${password}`,
    ...(announce
      ? [`  Authority   ${caCertificatePath} on the host: what browsers must trust`]
      : []),
    `  Next: npx hive status -s ${stack}`,
  ];
}
