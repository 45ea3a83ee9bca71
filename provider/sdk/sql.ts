import {
  type CustomResourceOptions,
  CustomResource,
  type Input,
  type Output,
} from "@pulumi/pulumi";

/** How psql on the host reaches a server. */
export interface SqlServer {
  /** Folder that holds psql. */
  binaries: Input<string>;
  /** Name or address; default 127.0.0.1. */
  host?: Input<string> | undefined;
  port: Input<number>;
  /** Certificate authority on the host, PEM: TLS, and the name is checked. Default: none. */
  authority?: Input<string> | undefined;
  username: Input<string>;
  /** Reaches psql in its environment. */
  password: Input<string>;
}

export interface SqlArgs extends SqlServer {
  /** Where it is run. */
  database: Input<string>;
  /**
   * Asked once, before it is made: a query that gives a text stops it, with the message and that text in
   * the place of `%s`.
   */
  refusals?: { query: string; message: string }[] | undefined;
  /** A query that gives true when it is as wanted. */
  check: Input<string>;
  /** Statements that make it so; one transaction. Default: none. */
  apply?: Input<string> | undefined;
}

/**
 * Something inside PostgreSQL that no other resource knows, given by a query that says whether it
 * holds; found and repaired when it does not. Deleting does nothing.
 */
export class Sql extends CustomResource {
  declare readonly check: Output<string>;
  declare readonly database: Output<string>;
  /** Whether it did when last looked at. */
  declare readonly holds: Output<boolean>;

  constructor(name: string, args: SqlArgs, opts?: CustomResourceOptions) {
    super("host:index:Sql", name, { ...args, holds: undefined }, opts);
  }
}
