// A server that answers every request with nothing at all.
import { createServer } from "node:http";

createServer((_request, response) => {
  response.end();
}).listen(Number(process.env["PORT"]), "127.0.0.1");
