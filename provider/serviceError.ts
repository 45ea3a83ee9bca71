import grpc from "@grpc/grpc-js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statusMessages from "@pulumi/pulumi/proto/status_pb.js";
import anyMessages from "google-protobuf/google/protobuf/any_pb.js";

import { Fault, messageOf } from "./fault.ts";
import type { Secrets } from "./secrets.ts";
import { encode, type Path } from "./wire.ts";

/** A partial failure with all the engine needs to keep the resource in its state. */
export class InitFailed extends Error {
  readonly id: string;
  readonly state: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly stateSecrets: readonly Path[];
  readonly inputSecrets: readonly Path[];

  constructor(
    message: string,
    id: string,
    state: { values: Readonly<Record<string, unknown>>; secrets: readonly Path[] },
    inputs: { values: Readonly<Record<string, unknown>>; secrets: readonly Path[] },
  ) {
    super(message);
    this.id = id;
    this.state = state.values;
    this.stateSecrets = state.secrets;
    this.inputs = inputs.values;
    this.inputSecrets = inputs.secrets;
  }
}

/** Any error as gRPC carries it. A fault means that the state of things is known. */
export function serviceError(error: unknown, secrets: Secrets): grpc.ServiceError {
  const message = secrets.mask(messageOf(error));
  const code = error instanceof Fault ? grpc.status.FAILED_PRECONDITION : grpc.status.UNKNOWN;
  const metadata = new grpc.Metadata();
  if (error instanceof InitFailed) {
    // Go reads details from this header; grpc-js has no other way to send them.
    metadata.set("grpc-status-details-bin", Buffer.from(details(error, message)));
  }
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function details(error: InitFailed, message: string): Uint8Array {
  const detail = new pb.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setReasonsList([message]);
  detail.setProperties(encode(error.state, error.stateSecrets));
  detail.setInputs(encode(error.inputs, error.inputSecrets));
  const packed = new anyMessages.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusMessages.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(packed);
  return status.serializeBinary();
}
