import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

export interface FileArgs {
  /** Absolute. Another path is another file: it replaces. */
  path: Input<string>;
  /** The whole content, UTF-8; may be secret. */
  content: Input<string>;
  /** Octal; default `0644`. */
  mode?: Input<string> | undefined;
  /** User name; default: who runs the provider. */
  owner?: Input<string> | undefined;
  /** Group name; default: the owner's group. */
  group?: Input<string> | undefined;
  /** Run before the file takes its place; `%s` is the new file. Exit other than 0 refuses it. */
  validate?: Input<Input<string>[]> | undefined;
}

/** A file, written atomically. Deleting gives back what was found, or removes it. Import by path. */
export class File extends CustomResource {
  declare readonly path: Output<string>;
  declare readonly content: Output<string>;
  declare readonly mode: Output<string>;
  declare readonly owner: Output<string | undefined>;
  declare readonly group: Output<string | undefined>;
  declare readonly validate: Output<string[] | undefined>;
  /** Of the content, hex. Secret when the content is. */
  declare readonly sha256: Output<string>;

  constructor(name: string, args: FileArgs, opts?: CustomResourceOptions) {
    super("host:index:File", name, { ...args, sha256: undefined }, opts);
  }
}
