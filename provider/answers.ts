import pb from "@pulumi/pulumi/proto/provider_pb.js";

import type { Difference } from "./diff.ts";
import type { Failure } from "./schema.ts";
import { encode, formatPath, type Path } from "./wire.ts";

/** A fault of an input; its reason names the property. */
export function failureMessage({ property, reason }: Failure): pb.CheckFailure {
  const failure = new pb.CheckFailure();
  // The engine prints the value of the property it is given, also when that is a secret.
  failure.setReason(`${property} ${reason}`);
  return failure;
}

/** Checked inputs with what is wrong about them. */
export function checkResponse(
  inputs: Readonly<Record<string, unknown>>,
  secrets: readonly Path[],
  failures: readonly Failure[],
): pb.CheckResponse {
  const response = new pb.CheckResponse();
  response.setInputs(encode(inputs, secrets));
  response.setFailuresList(failures.map(failureMessage));
  return response;
}

/** What differs, property by property, and which of it replaces. */
export function diffResponse(
  found: readonly Difference[],
  replaceOn: readonly string[],
  deleteBeforeReplace = false,
): pb.DiffResponse {
  const { Kind } = pb.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  } as const;
  const response = new pb.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  response.setChanges(found.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setHasdetaileddiff(true);
  const changed = [...new Set(found.map(({ path }) => String(path[0])))];
  response.setDiffsList(changed);
  response.setReplacesList(changed.filter((key) => replaceOn.includes(key)));
  response.setDeletebeforereplace(deleteBeforeReplace);
  for (const { path, kind } of found) {
    const difference = new pb.PropertyDiff();
    difference.setKind(kinds[kind][replaceOn.includes(String(path[0])) ? 1 : 0]);
    response.getDetaileddiffMap().set(formatPath(path), difference);
  }
  return response;
}
