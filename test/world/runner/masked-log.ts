/** What stands in place of a secret. */
const MASK = "***";

/** Commands that the runner shows, as it writes them into the log; the others are for it alone. */
const SHOWN = /^::(group|endgroup|error|warning|notice|debug)(?: [^:]*)?::(.*)$/;
const HIDDEN = /^::(?:stop-commands|save-state|set-output|echo|[0-9a-f-]{36})(?: [^:]*)?::/;

/** Prints lines as the runner does: its commands in its own form, and what is secret masked, from the line on that says so. */
export class MaskedLog {
  readonly #print: (line: string) => void;
  readonly #secrets: string[] = [];

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Each line of a secret is one. */
  mask(secret: string): void {
    for (const line of secret.split(/\r?\n/)) if (line.trim() !== "") this.#secrets.push(line);
    this.#secrets.sort((one, other) => other.length - one.length); // one may be within another
  }

  line(text: string): void {
    const [, secret] = /^::add-mask::(.*)$/.exec(text) ?? [];
    if (secret !== undefined) this.mask(decoded(secret));
    if (secret !== undefined || HIDDEN.test(text)) return;
    const [, command, rest = ""] = SHOWN.exec(text) ?? [];
    this.#print(this.#masked(command === undefined ? text : `##[${command}]${decoded(rest)}`));
  }

  #masked(text: string): string {
    return this.#secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
  }
}

/** The value of a command as it was before it was put on one line. */
function decoded(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
