import { posix } from "node:path";

/** One import, re-export or `import()` of a TypeScript file, as it is written there. */
export interface Import {
  readonly specifier: string;
  /** Whether Node leaves it out when it runs the file. `import { type A }` is kept, and loads the other file. */
  readonly typeOnly: boolean;
  /** Whether it is `export … from`. */
  readonly reexport: boolean;
  /** The names taken by an import in braces, types without their marker; `*` and `default` for the other forms. */
  readonly names: readonly string[];
}

/** A statement at the start of a line, as the formatter writes them: inside comments and indented strings nothing matches. */
const STATEMENT = /^(import|export)\s+(type\s+(?!from\b))?([^;"'`()=]*?)\s*\bfrom\s*["']([^"']+)["']/gm;
const SIDE_EFFECT = /^import\s*["']([^"']+)["']/gm;
const DYNAMIC = /(\btypeof\s+)?\bimport\(\s*(?:["']([^"']+)["'])?/g;

/** The specifier given for an `import()` whose argument is computed: nobody can say what it loads. */
export const COMPUTED = "(computed)";

/** All imports of one file. It relies on the formatter's layout, and a test compares it with what the bundler finds. */
export function importsOf(text: string): readonly Import[] {
  const found: Import[] = [];
  for (const [, keyword, type, clause = "", specifier = ""] of text.matchAll(STATEMENT)) {
    found.push({ specifier, typeOnly: type !== undefined, reexport: keyword === "export", names: namesOf(clause) });
  }
  for (const [, specifier = ""] of text.matchAll(SIDE_EFFECT)) {
    found.push({ specifier, typeOnly: false, reexport: false, names: [] });
  }
  for (const match of withoutComments(text).matchAll(DYNAMIC)) {
    found.push({ specifier: match[2] ?? COMPUTED, typeOnly: match[1] !== undefined, reexport: false, names: ["*"] });
  }
  return found;
}

function namesOf(clause: string): readonly string[] {
  const braces = /\{([^}]*)\}/.exec(clause);
  const named = (braces?.[1] ?? "")
    .split(",")
    .map((part) => part.trim().replace(/^type\s+/, ""))
    .filter((part) => part !== "")
    .map((part) => part.split(/\s+as\s+/)[0] ?? part);
  const rest = clause
    .replace(/\{[^}]*\}/, "")
    .replaceAll(",", " ")
    .trim();
  if (rest.startsWith("*")) return [...named, "*"];
  return rest === "" ? named : [...named, "default"];
}

/** The text without block comments and without lines that are a comment. Good enough to look for words of code. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** The file that a relative specifier names, as a path from the project's root, or undefined for packages and builtins. */
export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
}

/**
 * All files that loading one file loads, itself included.
 *
 * @param start - Path from the project's root.
 * @param read - The text of a file, or undefined where there is none.
 */
export function reachableFrom(start: string, read: (path: string) => string | undefined): ReadonlySet<string> {
  const seen = new Set<string>();
  const pending = [start];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const text = path.endsWith(".ts") ? read(path) : undefined;
    for (const { specifier, typeOnly } of text === undefined ? [] : importsOf(text)) {
      const target = typeOnly ? undefined : resolveImport(path, specifier);
      if (target !== undefined) pending.push(target);
    }
  }
  return seen;
}
