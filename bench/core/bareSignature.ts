// Signs a service's token again and again with jose alone; its input: how often. Says what one cost.
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";

import { SignJWT } from "jose";

const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
const claims = {
  iss: "hivematrix-core",
  sub: "service:codex",
  calling_service: "codex",
  target_service: "helm",
  type: "service",
  iat: 1_790_000_000,
  exp: 1_790_000_300,
};
const protectedHeader = { alg: "RS256", kid: "a".repeat(43), typ: "JWT" };
const sign = (): Promise<string> =>
  new SignJWT(claims).setProtectedHeader(protectedHeader).sign(privateKey);

async function run(count: number): Promise<void> {
  // As many at a time as a server has requests under way.
  const one = async (): Promise<void> => {
    for (let done = 0; done < count / 16; done++) await sign();
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

const count = Number(process.argv[2]);
await run(500);
const before = process.cpuUsage();
await run(count);
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ microseconds: (user + system) / count }));
