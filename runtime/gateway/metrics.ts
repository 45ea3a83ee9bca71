/** Upper bounds of the durations that are told apart, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Services told apart; a name can only come from the routes, this is for many reloads. */
const most = 500;

interface Histogram {
  readonly buckets: number[];
  sum: number;
  count: number;
}

export interface Gauge {
  readonly help: string;
  readonly read: () => number;
}

/** What is counted, in the text format of Prometheus (version 0.0.4). */
export class Metrics {
  #requests = new Map<string, number>();
  #durations = new Map<string, Histogram>();
  #counters = new Map<string, { readonly help: string; value: number }>();
  #gauges = new Map<string, Gauge>();

  /** @param service `""`: a route of the gateway's own */
  request(service: string, method: string, status: number, milliseconds: number): void {
    const key = `service="${service}",method="${method}",status="${String(status)}"`;
    if (this.#requests.has(key) || this.#requests.size < most * 20) {
      this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    }
    let histogram = this.#durations.get(service);
    if (histogram === undefined) {
      if (this.#durations.size >= most) return;
      histogram = { buckets: bounds.map(() => 0), sum: 0, count: 0 };
      this.#durations.set(service, histogram);
    }
    const seconds = milliseconds / 1000;
    histogram.sum += seconds;
    histogram.count += 1;
    for (let index = bounds.length - 1; index >= 0 && seconds <= (bounds[index] ?? 0); index -= 1) {
      histogram.buckets[index] = (histogram.buckets[index] ?? 0) + 1;
    }
  }

  /** @param name without `hivematrix_gateway_` and `_total` */
  counter(name: string, help: string): () => void {
    const counter = { help, value: 0 };
    this.#counters.set(name, counter);
    return () => {
      counter.value += 1;
    };
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, { help, read });
  }

  render(): string {
    const lines: string[] = [];
    const family = (name: string, kind: string, help: string): string => {
      const full = `hivematrix_gateway_${name}`;
      lines.push(`# HELP ${full} ${help}`, `# TYPE ${full} ${kind}`);
      return full;
    };
    const requests = family("requests_total", "counter", "Requests answered.");
    for (const [labels, value] of this.#requests)
      lines.push(`${requests}{${labels}} ${String(value)}`);
    const duration = family("request_seconds", "histogram", "From head to end of the answer.");
    for (const [service, { buckets, sum, count }] of this.#durations) {
      const label = `service="${service}"`;
      bounds.forEach((bound, index) => {
        lines.push(`${duration}_bucket{${label},le="${String(bound)}"} ${String(buckets[index])}`);
      });
      lines.push(
        `${duration}_bucket{${label},le="+Inf"} ${String(count)}`,
        `${duration}_sum{${label}} ${String(sum)}`,
        `${duration}_count{${label}} ${String(count)}`,
      );
    }
    for (const [name, { help, value }] of this.#counters) {
      lines.push(`${family(`${name}_total`, "counter", help)} ${String(value)}`);
    }
    for (const [name, { help, read }] of this.#gauges) {
      lines.push(`${family(name, "gauge", help)} ${String(read())}`);
    }
    return `${lines.join("\n")}\n`;
  }
}
