import type { Input } from "@pulumi/pulumi";

/** Passes when something accepts a connection. */
export interface TcpCheck {
  /** Name or address, as seen from the host; default `127.0.0.1`. */
  host?: Input<string> | undefined;
  port: Input<number>;
}

/** Passes when a GET is answered with the status. Redirects are not followed. */
export interface HttpCheck {
  /** `http:` or `https:`; connected to from the host. */
  url: Input<string>;
  /** The status that counts as ready; default 200. */
  status?: Input<number> | undefined;
  /** PEM certificates to trust for `https:` besides the system's. */
  certificateAuthority?: Input<string> | undefined;
}

/** Passes when the command exits with 0. A service's check runs as the service's user. */
export interface ExecCheck {
  command: Input<Input<string>[]>;
  /** Added to the environment; may hold secrets. */
  env?: Input<Record<string, Input<string>>> | undefined;
}

/** One proof that something is ready. Checks are polled, each attempt at most 5 s. */
export type Check =
  { tcp: Input<TcpCheck> } | { http: Input<HttpCheck> } | { exec: Input<ExecCheck> };
