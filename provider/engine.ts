import grpc from "@grpc/grpc-js";

type EngineModule = typeof import("@pulumi/pulumi/proto/engine_grpc_pb.js");
type Messages = typeof import("@pulumi/pulumi/proto/engine_pb.js");

/** Says things to whoever watches the up; loaded with the first word, since most runs say none. */
export class Engine {
  readonly #address: string | undefined;
  #loaded:
    Promise<{ client: InstanceType<EngineModule["EngineClient"]>; pb: Messages }> | undefined;

  /** @param address host and port of the engine; without it nothing is said. */
  constructor(address: string | undefined) {
    this.#address = address;
  }

  /** Shown beside the resource while it is being worked on. */
  progress(urn: string, message: string): void {
    void this.#say(urn, message, "info", true);
  }

  /** Stays on the screen. */
  warn(urn: string, message: string): void {
    void this.#say(urn, message, "warning", false);
  }

  async #say(urn: string, message: string, severity: "info" | "warning", ephemeral: boolean) {
    const address = this.#address;
    if (address === undefined) return;
    try {
      const { client, pb } = await (this.#loaded ??= load(address));
      const request = new pb.LogRequest();
      request.setSeverity(severity === "info" ? pb.LogSeverity.INFO : pb.LogSeverity.WARNING);
      request.setMessage(message);
      request.setUrn(urn);
      request.setEphemeral(ephemeral);
      // An engine that does not listen must not stop the work.
      client.log(request, () => undefined);
    } catch {
      return;
    }
  }
}

async function load(address: string) {
  const [service, pb] = await Promise.all([
    import("@pulumi/pulumi/proto/engine_grpc_pb.js"),
    import("@pulumi/pulumi/proto/engine_pb.js"),
  ]);
  const client = new service.default.EngineClient(address, grpc.credentials.createInsecure());
  return { client, pb: pb.default };
}
