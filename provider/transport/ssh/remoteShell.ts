import { randomUUID } from "node:crypto";

import type { ClientChannel } from "ssh2";

import { Fault } from "../../fault.ts";
import type { Connection } from "./connection.ts";
import { ReplyReader } from "./replyReader.ts";
import { preamble } from "./shellScript.ts";

export interface Reply {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (fault: Fault) => void;
}

interface Look extends Waiting<string> {
  readonly call: string;
}

/**
 * Milliseconds that what is asked while the former sending is not answered yet waits for that
 * answer, so that many small questions travel together; a long command holds nobody up for longer.
 */
const patience = 200;

/** Milliseconds that questions wait for more of them, soon after others: the engine asks in bursts. */
const gathering = 15;

/**
 * A shell at the other end, fed with commands. Everything asked for in one turn of the event loop,
 * or while the former sending is under way, travels in one sending: `sendings` counts them.
 */
export class RemoteShell {
  /** How often something was sent: at most that many round trips. */
  sendings = 0;
  readonly #channel: ClientChannel;
  readonly #waiting = new Map<number, Waiting<Reply>>();
  #looks: Look[] = [];
  #lines: { id: number; text: string }[] = [];
  #unanswered = new Set<number>();
  #flush: NodeJS.Immediate | undefined;
  #delay: NodeJS.Timeout | undefined;
  #gather: NodeJS.Timeout | undefined;
  #lost: Fault | undefined;
  #sent = 0;
  #last = 0;

  private constructor(channel: ClientChannel) {
    this.#channel = channel;
  }

  /** @throws Fault with what the host said when there is no shell for us. */
  static async open(connection: Connection, command: string, refused: (said: string) => Fault) {
    const channel = await connection.exec(command);
    const shell = new RemoteShell(channel);
    const marker = `hivematrix ${randomUUID()}`;
    const reader = new ReplyReader(marker, (id, reply) => {
      shell.#answer(id, reply);
    });
    await new Promise<void>((resolve, reject) => {
      let said = "";
      reader.ready = resolve;
      channel.stderr.on("data", (chunk: Buffer) => {
        if (said.length < 2000) said += chunk.toString();
      });
      channel.on("error", () => undefined);
      channel.on("data", (chunk: Buffer) => {
        reader.add(chunk);
      });
      channel.once("close", () => {
        reject(connection.lost ?? refused(said.trim()));
        shell.#fail(
          connection.lost ?? new Fault("The shell on the host ended; run the same command again."),
        );
        // The next question makes a connection with a new one.
        connection.close();
      });
      connection.onLost((fault) => {
        reject(fault);
        shell.#fail(fault);
      });
      channel.write(`${preamble}\nprintf '%s\\n' '${marker}'\n`);
    });
    return shell;
  }

  /**
   * Runs a piece of shell as a job of its own. Its standard output and error come back at its end.
   * @param id from `nextId`
   */
  job(id: number, script: string): Promise<Reply> {
    const files = `>"$hive/${id}.out" 2>"$hive/${id}.err"`;
    const text = `( ( ${script}\n) </dev/null ${files}; hive_reply ${id} $? ) &\n`;
    return new Promise((resolve, reject) => {
      this.#enqueue(id, text, { resolve, reject });
    });
  }

  nextId(): number {
    this.#last += 1;
    return this.#last;
  }

  /** A small question: a call of one of the preamble's functions that print one line. */
  look(call: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) throw this.#lost;
      this.#looks.push({ call, resolve, reject });
      this.#schedule();
    });
  }

  /** Something that has no answer; sent at once. */
  tell(text: string): void {
    this.#channel.write(`${text}\n`);
  }

  #enqueue(id: number, text: string, waiting: Waiting<Reply>): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.#waiting.set(id, waiting);
    this.#lines.push({ id, text });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#unanswered.size > 0 && this.#delay !== undefined) return;
    const burst = Date.now() - this.#sent < patience;
    if (this.#lines.length === 0 && burst && this.#flush === undefined) {
      this.#gather ??= setTimeout(() => {
        this.#send();
      }, gathering);
    } else {
      this.#flush ??= setImmediate(() => {
        this.#send();
      });
    }
  }

  #send(): void {
    this.#unschedule();
    clearTimeout(this.#delay);
    this.#delay = undefined;
    const looks = this.#looks.splice(0);
    if (looks.length > 0) void this.#lookTogether(looks);
    const lines = this.#lines.splice(0);
    if (lines.length === 0) return;
    this.#unanswered = new Set(lines.map(({ id }) => id));
    this.#delay = setTimeout(() => {
      this.#delay = undefined;
      if (this.#lines.length + this.#looks.length > 0) this.#schedule();
    }, patience);
    this.sendings += 1;
    this.#sent = Date.now();
    this.#channel.write(lines.map(({ text }) => text).join(""));
  }

  #unschedule(): void {
    clearImmediate(this.#flush);
    clearTimeout(this.#gather);
    this.#flush = undefined;
    this.#gather = undefined;
  }

  async #lookTogether(looks: readonly Look[]): Promise<void> {
    const id = this.nextId();
    const work = this.job(id, looks.map(({ call }) => `\n${call}`).join(""));
    // The job has scheduled a sending of its own, but this one is under way.
    this.#unschedule();
    try {
      const lines = (await work).stdout.toString("latin1").split("\n");
      looks.forEach(({ resolve, reject }, index) => {
        const line = lines[index];
        if (line === undefined || line === "")
          reject(new Fault("The host's answer is incomplete."));
        else resolve(line);
      });
    } catch (error) {
      for (const { reject } of looks) reject(error as Fault);
    }
  }

  #answer(id: number, reply: Reply): void {
    this.#waiting.get(id)?.resolve(reply);
    this.#waiting.delete(id);
    this.#unanswered.delete(id);
    if (this.#unanswered.size > 0) return;
    clearTimeout(this.#delay);
    this.#delay = undefined;
    if (this.#lines.length + this.#looks.length > 0) this.#schedule();
  }

  #fail(fault: Fault): void {
    this.#lost ??= fault;
    clearTimeout(this.#delay);
    this.#unschedule();
    for (const { reject } of [...this.#looks.splice(0), ...this.#waiting.values()]) reject(fault);
    this.#waiting.clear();
  }
}
