import { stripVTControlCharacters } from "node:util";
import { printable } from "../report/printable.ts";

/** How often the line is drawn again, in milliseconds. */
const INTERVAL_MS = 100;

/** A line that says what is going on, on a terminal; nothing elsewhere, so that logs and pipes stay clean. */
export interface Progress {
  tell(line: string): void;
  /** Takes the line away, before anything else is written. */
  end(): void;
}

/** Says nothing. */
export const noProgress: Progress = { tell() {}, end() {} };

/** Draws on a stream if it is a terminal. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return noProgress;
  let drawn = 0;
  return {
    tell(line) {
      const now = performance.now();
      if (drawn !== 0 && now - drawn < INTERVAL_MS) return;
      drawn = now;
      stream.write(
        `\r\u001b[2K${stripVTControlCharacters(printable(line)).slice(0, Math.max(20, stream.columns - 1))}`,
      );
    },
    end() {
      if (drawn !== 0) stream.write("\r\u001b[2K");
      drawn = 0;
    },
  };
}
