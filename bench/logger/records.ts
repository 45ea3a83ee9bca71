import { createHash } from "node:crypto";

/** One line as a service of the platform sends it: 430 bytes of JSON. */
export interface Record {
  readonly json: string;
  /** In COPY's text format, without a number. */
  readonly row: string;
  readonly level: string;
  readonly trace: string;
  /** Stands in this line alone. */
  readonly word: string;
}

const paths = ["companies", "assets", "tickets", "contacts", "articles", "sessions"];
const texts = ["answered from the cache", "answered", "took the slow path", "asked core again"];

/** The same records for the same numbers; four in a row have one trace. */
export function recordOf(number: number, time: Date): Record {
  const trace = uuidOf(Math.floor(number / 4));
  const word = `rq${createHash("md5").update(String(number)).digest("hex").slice(0, 10)}`;
  const level = number % 97 === 0 ? "ERROR" : number % 31 === 0 ? "WARNING" : "INFO";
  const path = `/api/${paths[number % 6] ?? ""}/${number % 9973}`;
  const milliseconds = (number * 7) % 1000;
  const message = `GET ${path} 200 ${milliseconds} ms: ${texts[number % 4] ?? ""} for user u${number % 500}, ${word}, of 10.0.${number % 200}.${number % 250}`;
  const context = `{"path":"${path}","method":"GET","status":200,"duration_ms":${milliseconds},"queries":${number % 20},"cache":"hit"}`;
  const timestamp = time.toISOString().slice(0, -1) + "000";
  const user = `5f0c9a7e-0000-4000-8000-${String(number % 500).padStart(12, "0")}`;
  return {
    json: `{"level":"${level}","message":"${message}","timestamp":"${timestamp}","context":${context},"trace_id":"${trace}","user_id":"${user}","hostname":"hive-1","process_id":4242}`,
    row: `${timestamp}\tcodex\t${level}\t${message}\t${context}\t${trace}\t${user}\thive-1\t4242\n`,
    level,
    trace,
    word,
  };
}

function uuidOf(number: number): string {
  const hex = createHash("md5").update(`trace ${number}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
