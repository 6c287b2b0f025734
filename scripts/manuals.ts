import { mkdirSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import manifest from "../package.json" with { type: "json" };
import { manualMarkdown, manualPage } from "../src/cli/manual.ts";
import { createProgram } from "../src/cli/program.ts";

/** The pages that are made from the commands, by their paths. */
export function manuals(): Readonly<Record<string, string>> {
  const program = () => {
    const nowhere = { write: () => true } as unknown as NodeJS.WriteStream;
    const here = { env: {}, homeDirectory: "/nowhere", stdin: Readable.from([]), stdout: nowhere, stderr: nowhere };
    return createProgram({ ...here, now: () => new Date(0) }, () => {});
  };
  return {
    "docs/cli.md": manualMarkdown(program()),
    "man/trusted-builds.1": manualPage(program(), manifest.version),
  };
}

if (import.meta.main) {
  mkdirSync("man", { recursive: true });
  for (const [path, text] of Object.entries(manuals())) writeFileSync(path, text);
}
