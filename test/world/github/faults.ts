/** What goes wrong with a request, and when. */
export interface Fault {
  /** Any if left out. */
  readonly method?: string;
  /** Of the path below `/api/v3`, with its query. */
  readonly path: RegExp;
  /** What is answered. Default 500. */
  readonly status?: number;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection breaks instead. */
  readonly drop?: true;
  /** There is no answer, until the client gives up. */
  readonly hang?: true;
  /** First everything is done that was asked for; then the answer is lost. */
  readonly after?: true;
  /** How many requests; all if left out. */
  readonly times?: number;
}

/** The faults that are on. */
export class Faults {
  #faults: { readonly fault: Fault; left: number }[] = [];

  /** From now on. */
  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** Ends them all. */
  heal(): void {
    this.#faults = [];
  }

  /** The one that hits this request; it counts as used. */
  take(method: string, path: string): Fault | undefined {
    const found = this.#faults.find(
      ({ fault, left }) => left > 0 && (fault.method ?? method) === method && fault.path.test(path),
    );
    if (found !== undefined) found.left--;
    return found?.fault;
  }
}
