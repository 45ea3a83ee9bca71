// Prints, as JSON, which of the addresses (JSON in the first argument) accept a connection. Plain
// JavaScript, as it runs by itself in another network namespace.
import { connect } from "node:net";

/** Milliseconds for each; a firewall that drops never answers. */
const patience = 1500;

const targets = JSON.parse(process.argv[2] ?? "[]");
const answers = await Promise.all(
  targets.map(
    ({ address, port }) =>
      new Promise((resolve) => {
        const socket = connect({ host: address, port, timeout: patience });
        const end = (reached) => {
          socket.destroy();
          resolve(reached);
        };
        socket.once("connect", () => end(true));
        socket.once("timeout", () => end(false));
        socket.once("error", () => end(false));
      }),
  ),
);
console.log(JSON.stringify(targets.filter((_, index) => answers[index])));
