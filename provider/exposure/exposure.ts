import { isLoopback, type Network } from "./sockets.ts";

/** A port that a part of the platform is declared to listen on. */
export interface Declared {
  readonly name: string;
  readonly port: number;
  /** Whether it is meant for everybody: the gateway's on a real host. */
  readonly open: boolean;
}

export interface Exposure extends Declared {
  /** `open`: reached from outside, and meant to be. */
  readonly state: "loopback" | "open" | "exposed" | "not running";
  /** Every address it listens on, sorted. */
  readonly addresses: readonly string[];
  /** Addresses at which the port answered from outside. */
  readonly reached: readonly string[];
  /** Processes of containers that listen on the same port in a network of their own. */
  readonly containers: readonly string[];
}

/** Where each declared port listens, and where it was reached. @param reached address/port */
export function exposures(
  declared: readonly Declared[],
  networks: readonly Network[],
  reached: readonly Reached[] = [],
): Exposure[] {
  return declared.map(({ name, port, open }) => {
    const listening = networks.filter(({ sockets }) => sockets.some((one) => one.port === port));
    const own = listening
      .filter(({ process }) => process === undefined)
      .flatMap(({ sockets }) => sockets.filter((socket) => socket.port === port));
    const addresses = unique(own.map(({ address }) => address));
    const answered = unique(reached.filter((one) => one.port === port).map((one) => one.address));
    const outside = answered.length > 0 || !addresses.every(isLoopback);
    const inside = addresses.length === 0 ? "not running" : "loopback";
    const state = outside ? (open ? "open" : "exposed") : inside;
    const containers = unique(listening.flatMap(({ process }) => process ?? []));
    return { name, port, open, state, addresses, reached: answered, containers };
  });
}

export interface Reached {
  readonly address: string;
  readonly port: number;
}

/** What is wrong with it and what to do, in one sentence. */
export function complaint({ name, port, addresses, reached }: Exposure): string {
  const wide = addresses.filter((address) => !isLoopback(address));
  if (wide.length > 0) {
    return `${name} listens on ${wide.map((address) => at(address, port)).join(" and ")}, where other machines reach it: let it listen on 127.0.0.1.`;
  }
  const where = reached.map((address) => at(address, port)).join(" and ");
  return `${name} (port ${port}) answers from outside at ${where}: something forwards it, such as a port that Docker publishes; take that away.`;
}

function at(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function unique(all: readonly string[]): string[] {
  return [...new Set(all)].toSorted();
}
