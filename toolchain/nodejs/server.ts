import grpc, { type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import services, { type ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";

import { type Child, stopChild, stopChildren } from "./children.ts";
import { readPackages } from "./packages.ts";
import { startPlugin, streamPlugin } from "./plugin.ts";
import { awaitProgram, startProgram } from "./program.ts";

/** A method that answers once; what it throws becomes the error the CLI shows. */
function unary<Request, Response>(handle: (request: Request) => Response | Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    Promise.resolve(call.request)
      .then(handle)
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(toStatus(error));
        },
      );
  };
}

function toStatus(error: unknown): { code: grpc.status; details: string } {
  const details = error instanceof Error ? error.message : String(error);
  return { code: grpc.status.FAILED_PRECONDITION, details };
}

function unimplemented(what: string) {
  return (_call: unknown, callback: sendUnaryData<never>): void => {
    const details = `${what} is not supported by the language host of toolchain/`;
    callback({ code: grpc.status.UNIMPLEMENTED, details });
  };
}

/** Ends the process as soon as the CLI gives up the call (Ctrl-C, a timeout, its own death). */
function stopOnCancel(
  call: { on(event: "cancelled", listener: () => void): unknown },
  child: Child,
) {
  call.on("cancelled", () => void stopChild(child));
}

function getRequiredPackages(directory: string): language.GetRequiredPackagesResponse {
  const needed = readPackages(directory).flatMap(({ plugin }) => {
    if (!plugin) return [];
    const { name, version, server } = plugin;
    const dependency = new plugins.PackageDependency();
    return [dependency.setKind("resource").setName(name).setVersion(version).setServer(server)];
  });
  return new language.GetRequiredPackagesResponse().setPackagesList(needed);
}

function getProgramDependencies(directory: string): language.GetProgramDependenciesResponse {
  const list = readPackages(directory).map(({ name, version }) =>
    new language.DependencyInfo().setName(name).setVersion(version),
  );
  return new language.GetProgramDependenciesResponse().setDependenciesList(list);
}

function implement(engine: string): ILanguageRuntimeServer {
  return {
    handshake: unary(() => new language.LanguageHandshakeResponse()),
    getPluginInfo: unary(() => new plugins.PluginInfo().setVersion("3.259.0")),
    about: unary(() =>
      new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version),
    ),
    getRequiredPackages: unary((request) =>
      getRequiredPackages(request.getInfo()?.getProgramDirectory() ?? ""),
    ),
    getProgramDependencies: unary((request) =>
      getProgramDependencies(request.getInfo()?.getProgramDirectory() ?? ""),
    ),
    run: (call, callback) => {
      unary((request: language.RunRequest) => {
        const child = startProgram(request, engine);
        stopOnCancel(call, child);
        return awaitProgram(child);
      })(call, callback);
    },
    runPlugin: (call) => {
      try {
        const child = startPlugin(call.request);
        stopOnCancel(call, child);
        streamPlugin(child, (response) => call.write(response)).then(
          () => call.end(),
          (error: unknown) => call.emit("error", toStatus(error)),
        );
      } catch (error) {
        call.emit("error", toStatus(error));
      }
    },
    installDependencies: (call) => {
      call.emit("error", toStatus(new Error("install the packages yourself: npm ci")));
    },
    cancel: unary(async () => {
      await stopChildren();
      return new empty.Empty();
    }),
    getRequiredPlugins: unimplemented("GetRequiredPlugins"),
    runtimeOptionsPrompts: unimplemented("RuntimeOptionsPrompts"),
    template: unimplemented("Template"),
    generateProgram: unimplemented("GenerateProgram"),
    generateProject: unimplemented("GenerateProject"),
    generatePackage: unimplemented("GeneratePackage"),
    pack: unimplemented("Pack"),
    link: unimplemented("Link"),
  };
}

/** Serves the LanguageRuntime protocol on a free loopback port; returns the port. */
export async function serve(engine: string): Promise<number> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(services.LanguageRuntimeService, { ...implement(engine) });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}
