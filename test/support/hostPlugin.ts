import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statusMessages from "@pulumi/pulumi/proto/status_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

type Values = Record<string, unknown>;

/** What the engine starts. */
export const launcher = fileURLToPath(
  new URL("../../provider/pulumi-resource-host", import.meta.url),
);
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** What the engine sends for a string that is known only after the up. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value as the engine marks a secret. */
export function secret(value: unknown): Values {
  return { [signatureKey]: secretSignature, value };
}

/** A value as the engine wraps an output; without a value it is not known yet. */
export function output(value?: unknown, isSecret = false): Values {
  const known = value === undefined ? {} : { value };
  return { [signatureKey]: outputSignature, ...known, secret: isSecret, dependencies: [] };
}

/** What a failed call said; `state` is what the engine keeps after a partial failure. */
export class PluginError extends Error {
  readonly code: number;
  readonly state: { id: string; properties: Values; reasons: string[] } | undefined;

  constructor(error: grpc.ServiceError) {
    super(error.details);
    this.code = error.code;
    const [packed] = error.metadata.get("grpc-status-details-bin");
    if (packed instanceof Buffer) {
      const [any] = statusMessages.Status.deserializeBinary(packed).getDetailsList();
      const detail = pb.ErrorResourceInitFailed.deserializeBinary(any?.getValue_asU8() ?? packed);
      this.state = {
        id: detail.getId(),
        properties: detail.getProperties()?.toJavaScript() ?? {},
        reasons: detail.getReasonsList(),
      };
    }
  }
}

export interface Diff {
  readonly changes: boolean;
  readonly replaces: string[];
  readonly detailed: Record<string, string>;
}

/** The real plugin as a process, spoken to as the engine does. */
export class HostPlugin {
  readonly #process: ChildProcess;
  readonly #client: InstanceType<typeof service.ResourceProviderClient>;
  /** Milliseconds from the start of the process to its port. */
  readonly startup: number;

  private constructor(process_: ChildProcess, port: string, startup: number) {
    this.#process = process_;
    this.startup = startup;
    const options = { "grpc.max_receive_message_length": -1 };
    const credentials = grpc.credentials.createInsecure();
    this.#client = new service.ResourceProviderClient(`127.0.0.1:${port}`, credentials, options);
  }

  /** @param configuration as the engine sends it; default: this machine */
  static async start(
    env: NodeJS.ProcessEnv = {},
    configuration: Values = { transport: "local" },
  ): Promise<HostPlugin> {
    const begin = performance.now();
    const child = spawn(launcher, [], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const startup = performance.now() - begin;
    const plugin = new HostPlugin(child, line.toString().trim(), startup);
    try {
      await plugin.configure(configuration);
    } catch (error) {
      await plugin.stop();
      throw error;
    }
    return plugin;
  }

  async configure(configuration: Values): Promise<void> {
    const request = new pb.ConfigureRequest();
    request.setArgs(messageOf(configuration));
    await this.#call<pb.ConfigureResponse>((done) => this.#client.configure(request, done));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Ends it as the engine does; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#client.close();
    const ended = once(this.#process, "exit") as Promise<[number | null]>;
    this.#process.kill("SIGINT");
    return (await ended)[0];
  }

  async handshake(): Promise<pb.ProviderHandshakeResponse.AsObject> {
    const request = new pb.ProviderHandshakeRequest();
    request.setEngineAddress("127.0.0.1:1");
    const response = await this.#call<pb.ProviderHandshakeResponse>((done) =>
      this.#client.handshake(request, done),
    );
    return response.toObject();
  }

  async schema(): Promise<Values> {
    const request = new pb.GetSchemaRequest();
    const response = await this.#call<pb.GetSchemaResponse>((done) =>
      this.#client.getSchema(request, done),
    );
    return JSON.parse(response.getSchema()) as Values;
  }

  async checkConfig(news: Values): Promise<string[]> {
    const request = new pb.CheckRequest();
    request.setNews(messageOf(news));
    const response = await this.#call<pb.CheckResponse>((done) =>
      this.#client.checkConfig(request, done),
    );
    return response.getFailuresList().map((failure) => failure.getReason());
  }

  async diffConfig(olds: Values, news: Values): Promise<Diff> {
    const request = new pb.DiffRequest();
    request.setOlds(messageOf(olds));
    request.setNews(messageOf(news));
    return diffOf(
      await this.#call<pb.DiffResponse>((done) => this.#client.diffConfig(request, done)),
    );
  }

  async check(type: string, news: Values): Promise<{ inputs: Values; failures: string[] }> {
    const request = new pb.CheckRequest();
    named(request, type);
    request.setNews(messageOf(news));
    const response = await this.#call<pb.CheckResponse>((done) =>
      this.#client.check(request, done),
    );
    return {
      inputs: valuesOf(response.getInputs()),
      failures: response.getFailuresList().map((failure) => failure.getReason()),
    };
  }

  async diff(type: string, olds: Values, news: Values): Promise<Diff> {
    const request = new pb.DiffRequest();
    named(request, type);
    request.setOlds(messageOf(olds));
    request.setNews(messageOf(news));
    return diffOf(await this.#call<pb.DiffResponse>((done) => this.#client.diff(request, done)));
  }

  async create(
    type: string,
    inputs: Values,
    options: { preview?: boolean; timeout?: number } = {},
  ): Promise<{ id: string; properties: Values }> {
    const request = new pb.CreateRequest();
    named(request, type);
    request.setProperties(messageOf(inputs));
    request.setPreview(options.preview ?? false);
    request.setTimeout(options.timeout ?? 0);
    const response = await this.#call<pb.CreateResponse>((done) =>
      this.#client.create(request, done),
    );
    return { id: response.getId(), properties: valuesOf(response.getProperties()) };
  }

  /** Undefined when it is gone. Without a state it is an import. */
  async read(
    type: string,
    id: string,
    state?: Values,
  ): Promise<{ inputs: Values; properties: Values } | undefined> {
    const request = new pb.ReadRequest();
    named(request, type);
    request.setId(id);
    if (state) {
      request.setProperties(messageOf(state));
      request.setInputs(messageOf(state));
    }
    const response = await this.#call<pb.ReadResponse>((done) => this.#client.read(request, done));
    if (response.getId() === "") return undefined;
    return {
      inputs: valuesOf(response.getInputs()),
      properties: valuesOf(response.getProperties()),
    };
  }

  async update(
    type: string,
    id: string,
    olds: Values,
    news: Values,
    preview = false,
  ): Promise<Values> {
    const request = new pb.UpdateRequest();
    named(request, type);
    request.setId(id);
    request.setOlds(messageOf(olds));
    request.setNews(messageOf(news));
    request.setPreview(preview);
    const response = await this.#call<pb.UpdateResponse>((done) =>
      this.#client.update(request, done),
    );
    return valuesOf(response.getProperties());
  }

  async delete(type: string, id: string, state: Values): Promise<void> {
    const request = new pb.DeleteRequest();
    named(request, type);
    request.setId(id);
    request.setProperties(messageOf(state));
    await this.#call<empty.Empty>((done) => this.#client.delete(request, done));
  }

  async invoke(token: string, args: Values, preview = false): Promise<Values> {
    const request = new pb.InvokeRequest();
    request.setTok(token);
    request.setArgs(messageOf(args));
    request.setPreview(preview);
    const response = await this.#call<pb.InvokeResponse>((done) =>
      this.#client.invoke(request, done),
    );
    return valuesOf(response.getReturn());
  }

  async cancel(): Promise<void> {
    await this.#call<empty.Empty>((done) => this.#client.cancel(new empty.Empty(), done));
  }

  #call<A>(send: (done: grpc.requestCallback<A>) => unknown): Promise<A> {
    return new Promise((resolve, reject) => {
      send((error, answer) => {
        if (answer !== undefined) resolve(answer);
        else reject(error ? new PluginError(error) : new Error("neither answer nor error"));
      });
    });
  }
}

interface Named {
  setUrn(urn: string): unknown;
  setType(type: string): unknown;
  setName(name: string): unknown;
}

function named(request: Named, type: string): void {
  request.setUrn(`urn:pulumi:test::hivematrix::host:index:${type}::test`);
  request.setType(`host:index:${type}`);
  request.setName("test");
}

function messageOf(values: Values): struct.Struct {
  return struct.Struct.fromJavaScript(
    JSON.parse(JSON.stringify(values)) as Record<string, struct.JavaScriptValue>,
  );
}

function valuesOf(message: struct.Struct | undefined): Values {
  return message?.toJavaScript() ?? {};
}

function diffOf(response: pb.DiffResponse): Diff {
  const kinds = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];
  const detailed: Record<string, string> = {};
  response.getDetaileddiffMap().forEach((difference, path) => {
    detailed[path] = kinds[difference.getKind()] ?? "";
  });
  return {
    changes: response.getChanges() === pb.DiffResponse.DiffChanges.DIFF_SOME,
    replaces: response.getReplacesList(),
    detailed,
  };
}
