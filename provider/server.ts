import grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";

import { HostProvider } from "./provider.ts";
import { serviceError } from "./serviceError.ts";

/** Starts the gRPC service on a free port of 127.0.0.1. */
export async function serve(
  engineAddress: string | undefined,
): Promise<{ provider: HostProvider; port: number }> {
  const provider = new HostProvider(engineAddress);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });

  /** Answers one call; whatever is thrown becomes the error, without any secret in it. */
  function unary<Q, A>(answer: (request: Q) => A | Promise<A>): grpc.handleUnaryCall<Q, A> {
    return (call, callback) => {
      Promise.resolve(call.request)
        .then(answer)
        .then(
          (value) => {
            callback(null, value);
          },
          (error: unknown) => {
            callback(serviceError(error, provider.secrets));
          },
        );
    };
  }

  server.addService(service.ResourceProviderService, {
    handshake: unary(provider.handshake.bind(provider)),
    getPluginInfo: unary(provider.getPluginInfo.bind(provider)),
    getSchema: unary(provider.getSchema.bind(provider)),
    attach: unary(provider.attach.bind(provider)),
    checkConfig: unary(provider.checkConfig.bind(provider)),
    diffConfig: unary(provider.diffConfig.bind(provider)),
    configure: unary(provider.configure.bind(provider)),
    cancel: unary(provider.cancel.bind(provider)),
    invoke: unary(provider.invoke.bind(provider)),
    check: unary(provider.check.bind(provider)),
    diff: unary(provider.diff.bind(provider)),
    create: unary(provider.create.bind(provider)),
    read: unary(provider.read.bind(provider)),
    update: unary(provider.update.bind(provider)),
    delete: unary(provider.delete.bind(provider)),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { provider, port };
}
