import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after } from "node:test";
import { readMarkdown } from "../../scripts/markdown.ts";
import type { Toolchain } from "../world/toolchain.ts";

/** What a reader's machine has and this one needs help with: a registry without TLS, programs out of the way, this command line. */
const PRELUDE = `
oras() { command oras "$@" --plain-http; }
skopeo() { "$SKOPEO" "$@"; }
trusted-builds() { "$NODE" "$MAIN" "$@"; }
`;

/** A folder in which a recipe is followed; gone after the tests. */
export function folder(files: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "recipe-"));
  after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** The blocks of a recipe that are commands, without the first: the names in it are the reader's own. */
export function commandsOf(recipe: string): readonly string[] {
  const { blocks } = readMarkdown(readFileSync(`docs/recipes/${recipe}.md`, "utf8"));
  const [names, ...commands] = blocks.filter(({ info }) => info.startsWith("sh "));
  if (!/with names of its own$/.test(names?.info ?? "")) throw new Error(`${recipe}: the first block names things`);
  return commands.map(({ text }) => text);
}

/** Follows a recipe as it stands. @throws where one of its commands fails, as bash does with `-e`. */
export async function follow(
  world: Toolchain,
  commands: readonly string[],
  names: Readonly<Record<string, string>>,
  cwd = folder(),
): Promise<string> {
  mkdirSync(join(cwd, ".config/containers"), { recursive: true });
  const registries = join(cwd, ".config/containers/registries.conf");
  writeFileSync(registries, `[[registry]]\nlocation = "${world.registry}"\ninsecure = true\n`);
  const { stdout } = await world.run("bash", ["-eu", "-o", "pipefail", "-c", PRELUDE + commands.join("\n")], {
    cwd,
    env: {
      ...names,
      ...{ HOME: cwd, TRUSTED_BUILDS_CACHE: "off" },
      ...{ SKOPEO: world.bin("skopeo"), NODE: process.execPath, MAIN: resolve("src/cli/main.ts") },
    },
  });
  return stdout;
}
