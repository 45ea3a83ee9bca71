import { get } from "node:http";
import { get as getSecurely } from "node:https";
import { connect } from "node:net";

/** Milliseconds that a server on this machine gets for an answer. */
const patience = 2000;

/** Whether something accepts connections, by default on 127.0.0.1. */
export function answersTcp(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patience });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("timeout", () => {
      end(false);
    });
    socket.once("error", () => {
      end(false);
    });
  });
}

/**
 * Whether a GET is answered with the status (default: any below 500, so also by a refusal).
 * @param ca PEM of the authority to trust for https
 */
export function answersHttp(url: string, status?: number, ca?: string): Promise<boolean> {
  const options = { timeout: patience, agent: false, ...(ca === undefined ? {} : { ca }) } as const;
  const start = url.startsWith("https:") ? getSecurely : get;
  return new Promise((resolve) => {
    const request = start(url, options, (response) => {
      response.resume();
      const found = response.statusCode ?? 0;
      resolve(status === undefined ? found < 500 : found === status);
    });
    request.once("timeout", () => {
      request.destroy();
      resolve(false);
    });
    request.once("error", () => {
      resolve(false);
    });
  });
}
