import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";

import { checkResponse, diffResponse, failureMessage } from "./answers.ts";
import { differences, type Difference, same } from "./diff.ts";
import { Engine } from "./engine.ts";
import { Fault, PartialFailure } from "./fault.ts";
import { type FunctionName, functions } from "./functions.ts";
import { secretConfiguration, withoutJson } from "./givenConfiguration.ts";
import type { Context, Resource } from "./resource.ts";
import { type ResourceName, resources } from "./resources/index.ts";
import { Secrets } from "./secrets.ts";
import { InitFailed } from "./serviceError.ts";
import { encoded, only, planned, stateOf } from "./state.ts";
import type { Reach } from "./transport/choose.ts";
import { LocalTransport } from "./transport/local.ts";
import { decode, encode, hasUnknown, type Path, type Properties } from "./wire.ts";

const version = "0.1.0";

/** The calls of Pulumi's provider protocol, for every kind of resource alike. */
export class HostProvider {
  readonly secrets = new Secrets();
  #engine: Engine;
  #running = new AbortController();
  #reach: Reach | undefined;

  constructor(engineAddress: string | undefined) {
    this.#engine = new Engine(engineAddress);
  }

  handshake(request: pb.ProviderHandshakeRequest): pb.ProviderHandshakeResponse {
    this.#engine = new Engine(request.getEngineAddress());
    const response = new pb.ProviderHandshakeResponse();
    response.setAcceptSecrets(true);
    response.setAcceptOutputs(true);
    return response;
  }

  getPluginInfo(): pluginMessages.PluginInfo {
    const response = new pluginMessages.PluginInfo();
    response.setVersion(version);
    return response;
  }

  async getSchema(): Promise<pb.GetSchemaResponse> {
    const { packageSchema } = await import("./packageSchema.ts");
    const response = new pb.GetSchemaResponse();
    response.setSchema(JSON.stringify(await packageSchema(version)));
    return response;
  }

  attach(request: pluginMessages.PluginAttach): empty.Empty {
    this.#engine = new Engine(request.getAddress());
    return new empty.Empty();
  }

  async checkConfig(request: pb.CheckRequest): Promise<pb.CheckResponse> {
    const [{ check }, { configuration, configurationFaults }] = await Promise.all([
      import("./schema.ts"),
      import("./configuration.ts"),
    ]);
    const news = decode(request.getNews());
    this.secrets.learn(news);
    const { inputs, failures } = check(configuration, withoutJson(news.values));
    const secret = secretConfiguration.filter((key) => key in inputs);
    for (const key of secret) this.secrets.add(inputs[key]);
    const more = await configurationFaults(inputs);
    const secrets = [...news.secrets, ...secret.map((key) => [key])];
    return checkResponse(inputs, secrets, [...failures, ...more]);
  }

  /** A new way to reach the same host never replaces what is on it. */
  diffConfig(request: pb.DiffRequest): pb.DiffResponse {
    const [olds, news] = [request.getOlds(), request.getNews()].map((message) =>
      withoutJson(decode(message).values),
    );
    return diffResponse(differences(olds, news), []);
  }

  /** Connects to nothing yet; forwards listen. */
  async configure(request: pb.ConfigureRequest): Promise<pb.ConfigureResponse> {
    const { values } = decode(request.getArgs());
    this.#reach?.close();
    this.#reach = undefined;
    if (values["transport"] === "ssh") await this.#reachRemote(values);
    else this.#reach = { transport: new LocalTransport(), close: () => undefined };
    const response = new pb.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setAcceptoutputs(true);
    response.setSupportspreview(true);
    // The first check needs it; until then the engine is busy with other things.
    setImmediate(() => void import("./schema.ts"));
    return response;
  }

  /** Ends everything that is being done, and what is open. */
  close(): void {
    this.cancel();
    this.#reach?.close();
  }

  /** Ends everything that is being done. */
  cancel(): empty.Empty {
    this.#running.abort();
    this.#running = new AbortController();
    return new empty.Empty();
  }

  async invoke(request: pb.InvokeRequest): Promise<pb.InvokeResponse> {
    const name = /^host:index:(\w+)$/.exec(request.getTok())?.[1] ?? "";
    if (!Object.hasOwn(functions, name)) {
      throw new Fault(`The host provider has no function ${request.getTok()}.`);
    }
    const args = decode(request.getArgs());
    this.secrets.learn(args);
    const [{ check }, asked] = await Promise.all([
      import("./schema.ts"),
      functions[name as FunctionName](),
    ]);
    const { inputs, failures } = check(asked.inputs, args.values);
    const response = new pb.InvokeResponse();
    if (failures.length > 0) {
      response.setFailuresList(failures.map(failureMessage));
      return response;
    }
    const answer = request.getPreview()
      ? asked.planned
      : await asked.answer(this.#context("", 0), inputs);
    response.setReturn(encode(answer, []));
    return response;
  }

  async check(request: pb.CheckRequest): Promise<pb.CheckResponse> {
    const [{ check }, resource] = await Promise.all([
      import("./schema.ts"),
      this.#resource(request),
    ]);
    const news = decode(request.getNews());
    this.secrets.learn(news);
    const { inputs, failures } = check(resource.inputs, news.values);
    const more = (await resource.faults?.(inputs, this.#reach?.transport)) ?? [];
    const secret = (resource.secretInputs ?? []).filter((key) => key in inputs).map((key) => [key]);
    return checkResponse(inputs, [...news.secrets, ...secret], [...failures, ...more]);
  }

  async diff(request: pb.DiffRequest): Promise<pb.DiffResponse> {
    const resource = await this.#resource(request);
    const olds = decode(request.getOlds());
    const news = decode(request.getNews());
    // A refresh that runs the program sends what it wants unchecked, without the defaults.
    const { check } = await import("./schema.ts");
    const wanted = { ...news.values, ...check(resource.inputs, news.values).inputs };
    const compared = Object.keys(resource.inputs).filter(
      (key) => resource.incidental?.includes(key) !== true,
    );
    const found = compared.flatMap((key) => differences(olds.values[key], wanted[key], [key]));
    const stale = hasUnknown(olds.values) ? [] : (resource.stale?.(olds.values, wanted) ?? []);
    const newlySecret = news.secrets.filter(
      (path) => !olds.secrets.some((old) => isWithin(path, old)),
    );
    const all: Difference[] = [
      ...found,
      ...stale.map((key) => ({ path: [key], kind: "update" as const })),
      ...newlySecret.map((path) => ({ path, kind: "update" as const })),
    ];
    return diffResponse(all, resource.replaceOn, resource.deleteBeforeReplace);
  }

  async create(request: pb.CreateRequest): Promise<pb.CreateResponse> {
    const resource = await this.#resource(request);
    const inputs = decode(request.getProperties());
    this.secrets.learn(inputs);
    const response = new pb.CreateResponse();
    if (request.getPreview()) {
      response.setProperties(encoded(resource, inputs, planned(resource, inputs, undefined)));
      return response;
    }
    const context = this.#context(request.getUrn(), request.getTimeout());
    const { id, outputs } = await this.#kept(resource, inputs, () =>
      resource.create(context, inputs.values),
    );
    response.setId(id);
    response.setProperties(encoded(resource, inputs, outputs));
    return response;
  }

  async read(request: pb.ReadRequest): Promise<pb.ReadResponse> {
    const resource = await this.#resource(request);
    const state = decode(request.getProperties());
    const inputs = decode(request.getInputs());
    this.secrets.learn(state, inputs);
    const old = Object.keys(state.values).length === 0 ? undefined : state.values;
    const context = this.#context(request.getUrn(), request.getTimeout());
    const found = await resource.read(context, request.getId(), old);
    const response = new pb.ReadResponse();
    if (found === undefined) return response;
    const imported = old === undefined ? (resource.secretWhenImported ?? []) : [];
    const secrets = [...state.secrets, ...inputs.secrets, ...imported.map((key) => [key])];
    const properties = { values: only(found, resource.inputs), secrets };
    response.setId(request.getId());
    response.setInputs(encode(properties.values, secrets));
    response.setProperties(encoded(resource, properties, only(found, resource.outputs)));
    return response;
  }

  async update(request: pb.UpdateRequest): Promise<pb.UpdateResponse> {
    const resource = await this.#resource(request);
    const olds = decode(request.getOlds());
    const inputs = decode(request.getNews());
    this.secrets.learn(olds, inputs);
    const response = new pb.UpdateResponse();
    if (request.getPreview()) {
      const outputs = planned(resource, inputs, olds.values);
      response.setProperties(encoded(resource, inputs, outputs));
      return response;
    }
    const context = this.#context(request.getUrn(), request.getTimeout());
    const former = { values: only(olds.values, resource.inputs), secrets: olds.secrets };
    const { outputs } = await this.#kept(
      resource,
      inputs,
      async () => ({
        id: request.getId(),
        outputs: await resource.update(context, olds.values, inputs.values),
      }),
      former,
    );
    response.setProperties(encoded(resource, inputs, outputs));
    return response;
  }

  async delete(request: pb.DeleteRequest): Promise<empty.Empty> {
    const resource = await this.#resource(request);
    const state = decode(request.getProperties());
    this.secrets.learn(state);
    const context = this.#context(request.getUrn(), request.getTimeout());
    await resource.delete(context, state.values);
    return new empty.Empty();
  }

  /** In a preview the configuration may hold what is not known yet: then nothing is reached. */
  async #reachRemote(values: Readonly<Record<string, unknown>>): Promise<void> {
    const { reach } = await import("./transport/choose.ts");
    for (const key of secretConfiguration) this.secrets.add(values[key]);
    const plain = withoutJson(values);
    if (hasUnknown(plain)) return;
    this.#reach = await reach(plain, (message) => {
      this.#engine.warn("", this.secrets.mask(message));
    });
  }

  /** By `host:index:<Class>`, which older engines give only within the URN. */
  async #resource(request: { getType(): string; getUrn(): string }): Promise<Resource> {
    const type = request.getType() || (request.getUrn().split("::")[2] ?? "").split("$").at(-1);
    const name = /^host:index:(\w+)$/.exec(type ?? "")?.[1];
    if (name === undefined || !Object.hasOwn(resources, name)) {
      throw new Fault(`The host provider has no resource ${String(type)}.`);
    }
    return resources[name as ResourceName]();
  }

  /** Turns a partial failure into one that the engine keeps in its state. */
  async #kept<T>(
    resource: Resource,
    inputs: Properties,
    work: () => Promise<T>,
    former = inputs,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PartialFailure)) throw error;
      const kept = error.keepsFormer ? former : inputs;
      const state = stateOf(resource, kept, error.outputs);
      throw new InitFailed(error.message, error.id, state, kept);
    }
  }

  #context(urn: string, timeout: number): Context {
    if (this.#reach === undefined) {
      throw new Fault("How to reach the host is not known yet; run up first.");
    }
    const { transport } = this.#reach;
    const signal = this.#running.signal;
    let last = "";
    return {
      transport,
      signal: timeout > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeout * 1000)]) : signal,
      progress: (message) => {
        if (message !== last) this.#engine.progress(urn, this.secrets.mask(message));
        last = message;
      },
      warn: (message) => {
        this.#engine.warn(urn, this.secrets.mask(message));
      },
    };
  }
}

function isWithin(path: Path, outer: Path): boolean {
  return outer.length <= path.length && same(path.slice(0, outer.length), outer);
}
