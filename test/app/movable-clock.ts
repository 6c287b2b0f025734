// Loaded before a server's own program, by NODE_OPTIONS: then its clock can be set ahead from outside while it runs. `CLOCK_FILE` says by
// how many milliseconds, and SIGUSR2 when to read it.
import { readFileSync } from "node:fs";

const Real = Date;
let aheadMs = 0;

class Ahead extends Real {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Real;
  }
  static override now(): number {
    return Real.now() + aheadMs;
  }
  constructor(...given: readonly unknown[]) {
    if (given.length === 0) super(Real.now() + aheadMs);
    else super(...(given as [number]));
  }
}

globalThis.Date = Ahead as DateConstructor;
process.on("SIGUSR2", () => {
  aheadMs = Number(readFileSync(process.env.CLOCK_FILE ?? "", "utf8"));
  process.stdout.write(`clock: ahead by ${aheadMs} ms\n`);
});
