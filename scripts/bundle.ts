import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";

/** How everything is bundled that runs without node_modules. */
export const NODE_BUNDLE = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  // Packages of the old module system ask for `require`, which an ES module doesn't have.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  legalComments: "none",
} as const satisfies BuildOptions;

/** Licences that differ in the holder alone. @see https://spdx.org/licenses */
const TEXTS: Readonly<Record<string, string>> = {
  ISC: `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that
the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY
DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`,
  MIT: `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
};

/**
 * The licence of every package of which a file went into the bundle. Without one the package may not be passed on.
 *
 * @param inputs - Paths from the project's root, as the bundler's metafile has them.
 */
export function licencesOf(inputs: readonly string[]): string {
  const roots = new Set(
    inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []),
  );
  const texts = [...roots].sort().map((root) => {
    const about = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>;
    const [file] = globSync(`${root}/{LICENSE,LICENCE,License,license,COPYING}*`);
    const text = file === undefined ? textOf(about) : readFileSync(file, "utf8");
    if (text === undefined)
      throw new Error(`build: ${root} goes into the bundle and has no licence file: leave it out`);
    return `${about.name} ${about.version} (${about.license})\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(78)}\n\n`);
}

/**
 * The text that is meant where a package names its licence and has no copy of it: Apache's is the same for all, and in the others the
 * author is taken for the holder.
 */
function textOf({ license, author }: Readonly<Record<string, unknown>>): string | undefined {
  if (license === "Apache-2.0") return readFileSync("LICENSE", "utf8");
  const holder = typeof author === "object" && author !== null && "name" in author ? author.name : author;
  const text = TEXTS[String(license)];
  return text !== undefined && typeof holder === "string" ? `Copyright (c) ${holder}\n\n${text}` : undefined;
}
