/** Failures in a row after which a backend is not asked any more. */
const threshold = 5;

/** Milliseconds between two looks at a backend that failed. */
const pause = 2000;

export interface CircuitOptions {
  /** Whether the backend answers at all, whatever it says. */
  readonly probe: () => Promise<boolean>;
  /** Told when requests are refused from now on, and when they are let through again. */
  readonly onChange: (isOpen: boolean) => void;
}

/**
 * Keeps requests from waiting for a backend that is down (weakness 40). After failures in a row it
 * is open: requests are refused at once, and the backend is asked for its health every two seconds
 * until it answers. An error status is an answer.
 */
export class Circuit {
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #options: CircuitOptions;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#timer !== undefined;
  }

  succeed(): void {
    this.#failures = 0;
  }

  fail(): void {
    this.#failures += 1;
    if (this.#failures < threshold || this.isOpen) return;
    this.#options.onChange(true);
    this.#plan();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      void this.#look();
    }, pause);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const answers = await this.#options.probe();
    // Closed meanwhile: the route has gone.
    if (!this.isOpen) return;
    if (!answers) {
      this.#plan();
      return;
    }
    this.#failures = 0;
    this.#timer = undefined;
    this.#options.onChange(false);
  }
}
