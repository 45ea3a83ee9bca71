import { Fault } from "../fault.ts";
import { type Context, lastLines, succeeded } from "../resource.ts";

/** What systemd knows of a unit. */
export interface UnitState {
  /** Whether its process runs and is not about to end or to be started again. */
  readonly running: boolean;
  readonly failed: boolean;
  /** Whether it starts with the machine. */
  readonly enabled: boolean;
  /** As systemctl has it: `enabled`, `static`, `masked`, … */
  readonly unitFileState: string;
  /** Whether its own conditions kept it from starting. */
  readonly skipped: boolean;
  /** Whether systemd has read the file that is there now. */
  readonly current: boolean;
  /** 0 when there is none. */
  readonly pid: number;
  /** Starts after an end of its own, since systemctl last started it. */
  readonly restarts: number;
  /** The unit file itself; undefined when there is none. */
  readonly path: string | undefined;
  /** Files that change it, of this unit alone. */
  readonly dropIns: readonly string[];
}

const shown = [
  "ActiveState",
  "SubState",
  "UnitFileState",
  "ConditionResult",
  "ConditionTimestampMonotonic",
  "NeedDaemonReload",
  "MainPID",
  "NRestarts",
  "FragmentPath",
  "DropInPaths",
];

/** @throws Fault when the host is not run by systemd. */
export async function show({ transport }: Context, unit: string): Promise<UnitState> {
  const argv = ["systemctl", "show", `--property=${shown.join(",")}`, "--", unit];
  const text = succeeded(await transport.run(argv), "Asking systemd (systemctl show)");
  const values = new Map(
    text.split("\n").map((line): [string, string] => {
      const [key = "", ...rest] = line.split("=");
      return [key, rest.join("=")];
    }),
  );
  const value = (key: string): string => values.get(key) ?? "";
  return {
    running: value("ActiveState") === "active",
    failed: value("ActiveState") === "failed",
    enabled: value("UnitFileState") === "enabled",
    unitFileState: value("UnitFileState"),
    skipped: value("ConditionResult") === "no" && value("ConditionTimestampMonotonic") !== "0",
    current: value("NeedDaemonReload") !== "yes",
    pid: Number(value("MainPID")),
    restarts: Number(value("NRestarts")),
    path: value("FragmentPath") || undefined,
    dropIns: value("DropInPaths")
      .split(" ")
      .filter((path) => path.includes(`/${unit}.d/`)),
  };
}

/** @throws Fault with what systemctl said. */
export async function systemctl({ transport, signal }: Context, ...words: string[]): Promise<void> {
  const what = `systemctl ${words.filter((word) => !word.startsWith("-")).join(" ")}`;
  succeeded(await transport.run(["systemctl", "--no-ask-password", ...words], { signal }), what);
}

/** The last lines of a unit's current run, for the end of a message. */
export async function journalEnd({ transport }: Context, unit: string): Promise<string> {
  const argv = ["journalctl", "--no-pager", "--output=cat", "--lines=15", `--unit=${unit}`];
  const { stdout } = await transport.run(argv);
  return lastLines(stdout, 15) || "(empty)";
}

/** @throws Fault when a unit of that name is not one of ours. */
export async function refuseForeignUnit(
  context: Context,
  unit: string,
  heading: string,
): Promise<void> {
  const { path } = await show(context, unit);
  if (path === undefined) return;
  const text = (await context.transport.read(path))?.toString("utf8") ?? "";
  // A mask has no text; it goes with the name.
  if (text === "" || text.startsWith(heading)) return;
  throw new Fault(`${unit} is another one's (${path}); choose another name.`);
}
