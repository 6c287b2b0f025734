import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** Writes files that are gone after the tests; each gets a name of its own and its path is answered. */
export function temporaryFiles(): (name: string, content: string | Uint8Array) => string {
  const directory = mkdtempSync(join(tmpdir(), "verify-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let count = 0;
  return (name, content) => {
    count += 1;
    const path = join(directory, `${count}-${name}`);
    writeFileSync(path, content);
    return path;
  };
}
