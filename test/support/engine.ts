import * as pulumi from "@pulumi/pulumi";
import type {
  RegisterResourceRequest,
  RegisterResourceResponse,
} from "@pulumi/pulumi/proto/resource_pb.js";

/** One resource as the program registered it. */
export interface Registered {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** URN; empty for what lies directly in the stack. */
  readonly parent: string;
  readonly custom: boolean;
  /** `<urn>::<id>` of the explicit provider; empty when there is none. */
  readonly provider: string;
  /** As sent to the engine: secrets are `secret(value)`, what is not known yet is `unknown`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  /** Name of the resource whose deletion takes this one along. */
  readonly deletedWith: string | undefined;
  /** Names, sorted. The engine turns a component into its children; so does this list. */
  readonly dependsOn: readonly string[];
  readonly ignoreChanges: readonly string[];
}

export interface MockEngine {
  readonly registered: readonly Registered[];
  /** Waits until everything declared so far is registered. */
  drain(): Promise<void>;
  /** The resource of that name; names are unique in this project. */
  find(name: string): Registered;
  /** What lies directly under the resource of that name, by name. */
  childrenOf(name: string): Record<string, Child>;
}

export interface Child {
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface MockEngineOptions {
  /** Default `dev`. */
  readonly stack?: string;
  /** As `pulumi preview` on a new stack: nothing that only a provider knows is known. */
  readonly preview?: boolean;
  /** Keys with their namespace. */
  readonly config?: Readonly<Record<string, string>>;
  /** What the provider answers for the resource of that name, in place of `computed`. */
  readonly outputs?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A value that reaches the engine marked as secret. */
export function secret(value: unknown): unknown {
  return { "(secret)": value };
}

/** A value that is known only after the up. */
export const unknown = "(unknown)";

type Values = Record<string, unknown>;

/** What `provider/` answers besides the inputs, by type. Every other type gives back its inputs. */
const computed: Readonly<Record<string, (name: string, inputs: Values) => Values>> = {
  "host:index:Certificate": (name) => ({
    certificate: `certificate of ${name}\n`,
    privateKey: `private key of ${name}\n`,
    notAfter: "2027-01-01T00:00:00.000Z",
  }),
  "host:index:CertificateAuthority": (name) => ({
    certificate: `certificate of ${name}\n`,
    privateKey: `private key of ${name}\n`,
  }),
  "host:index:Daemon": () => ({ running: true, enabled: true }),
  "host:index:Exec": (name) => ({ ran: `run of ${name}` }),
  "host:index:File": (name) => ({ sha256: `sha256 of ${name}` }),
  "host:index:Capacity": () => ({ memory: 8192, cores: 4 }),
  "host:index:Machine": () => ({
    system: "Debian GNU/Linux 12 (bookworm)",
    systemd: 252,
    timeDaemon: "systemd-timesyncd",
  }),
  "host:index:Package": () => ({ versions: { postgresql: "15+248" }, found: [] }),
  "host:index:Release": (_name, { path, version }) => ({
    directory: `${String(path)}/${String(version)}`,
    intact: true,
  }),
  "host:index:Secret": (name) => ({ value: `value of ${name}` }),
  "host:index:Service": () => ({ running: true }),
  "host:index:Timer": () => ({ running: true, enabled: true, intact: true }),
  "host:index:Unit": () => ({ unit: "[Unit]\n", running: true, enabled: true, intact: true }),
  "host:index:User": () => ({ uid: 990, gid: 990, found: false }),
};

/**
 * Puts a recorder in the engine's place, for everything declared afterwards. An invoke fails.
 * Build, `await engine.drain()`, then look.
 */
export async function mockEngine(options: MockEngineOptions = {}): Promise<MockEngine> {
  const { stack = "dev", preview = false } = options;
  const registered: Registered[] = [];
  const secretOutputs = new Map<string, readonly string[]>();
  pulumi.runtime.setAllConfig({ ...options.config });
  await pulumi.runtime.setMocks(
    {
      call: ({ token }) => {
        if (token === "host:index:getExposure") return { ports: [], probe: { method: "mock" } };
        throw new Error(`The test does not expect a call of ${token}`);
      },
      newResource: ({ type, name, inputs, custom }) => {
        const state: Record<string, unknown> = { ...(inputs as Record<string, unknown>) };
        if (preview || custom !== true) return { id: preview ? "" : `id of ${name}`, state };
        Object.assign(state, computed[type]?.(name, state), options.outputs?.[name]);
        for (const key of secretOutputs.get(name) ?? []) {
          if (key in state) state[key] = pulumi.secret(state[key]);
        }
        return { id: `id of ${name}`, state };
      },
    },
    "hivematrix",
    stack,
    preview,
  );
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = async (request, callback) => {
    secretOutputs.set(request.getName(), request.getAdditionalsecretoutputsList());
    await register(request, (fault, response) => {
      if (response) registered.push(record(request, response.getUrn()));
      callback(fault, response);
    });
  };

  const find = (name: string): Registered => {
    const [found, second] = registered.filter((resource) => resource.name === name);
    if (found === undefined) throw new Error(`${name} is not among ${names(registered)}`);
    if (second !== undefined) throw new Error(`${name} was declared twice`);
    return found;
  };
  return {
    registered,
    drain: () => pulumi.runtime.disconnect(),
    find,
    childrenOf: (name) => {
      const { urn } = find(name);
      const children = registered.filter(({ parent }) => parent === urn);
      return Object.fromEntries(
        children.map((child) => {
          const { type, inputs } = find(child.name);
          return [child.name, { type, inputs }];
        }),
      );
    },
  };
}

type Respond = (fault: unknown, response?: RegisterResourceResponse) => void;

interface Monitor {
  registerResource(request: RegisterResourceRequest, respond: Respond): Promise<void>;
}

function record(request: RegisterResourceRequest, urn: string): Registered {
  const deletedWith = request.getDeletedwith();
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    custom: request.getCustom(),
    provider: request.getProvider(),
    inputs: readable(request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
    protect: request.getProtect() ?? false,
    deletedWith: deletedWith === "" ? undefined : nameOf(deletedWith),
    dependsOn: request.getDependenciesList().map(nameOf).toSorted(),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

/** The engine's markers (sdk/nodejs/runtime/rpc.ts) made readable. */
function readable(value: unknown): unknown {
  if (value === pulumi.runtime.unknownValue) return unknown;
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  const entries = value as Record<string, unknown>;
  switch (entries[pulumi.runtime.specialSigKey]) {
    case pulumi.runtime.specialSecretSig:
      return secret(readable(entries["value"]));
    case pulumi.runtime.specialResourceSig:
      return `(resource ${nameOf(String(entries["urn"]))})`;
    default:
      return Object.fromEntries(
        Object.entries(entries).map(([key, inner]) => [key, readable(inner)]),
      );
  }
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

function names(registered: readonly Registered[]): string {
  return registered.map(({ name }) => name).join(", ");
}
