import { transform } from "esbuild";
import { COMPUTED, type Import, importsOf, resolveImport, withoutComments } from "./imports.ts";

/** What the files of one folder of `src/` may reach. */
export interface Allowed {
  /** Folders of `src/`, or single files of them where only a port is meant. */
  readonly inside: readonly string[];
  readonly packages: readonly string[];
  /** Modules of Node, without `node:`. */
  readonly builtins: readonly string[] | "any";
  /** `pure`: what the language itself gives, and no clock; `no-process`: anything but the environment; `no-network`: no `fetch` and its like. */
  readonly globals: "pure" | "no-process" | "no-network" | "any";
}

const PURE = { builtins: ["crypto"], globals: "pure" } as const;
const CORE = ["image", "attestation", "trust", "build", "change", "answer"] as const;
const ADAPTER = {
  builtins: [
    "assert",
    "buffer",
    "child_process",
    "crypto",
    "dns",
    "dns/promises",
    "events",
    "fs",
    "fs/promises",
    "http",
    "https",
    "net",
    "path",
    "stream",
    "stream/promises",
    "timers/promises",
    "tls",
    "url",
    "util",
    "zlib",
  ],
  globals: "no-process",
} as const;

/** The law of imports (ARCHITECTURE.md): a folder that isn't named here may not exist. */
export const LAW: Readonly<Record<string, Allowed>> = {
  image: { ...PURE, inside: [], packages: ["zod"] },
  attestation: { ...PURE, inside: ["image"], packages: ["zod"] },
  trust: { ...PURE, inside: ["image", "attestation"], packages: ["zod", "yaml", "p-limit"] },
  build: { ...PURE, inside: ["image", "attestation", "trust"], packages: ["zod"] },
  change: { ...PURE, inside: ["image", "attestation", "trust", "build"], packages: ["zod"] },
  answer: { ...PURE, inside: ["image", "attestation", "trust", "build"], packages: ["zod", "p-limit"] },
  admission: { ...PURE, inside: ["image", "attestation", "trust", "answer"], packages: ["zod", "p-limit"] },
  report: { ...PURE, inside: CORE, packages: ["zod", "hono", "badge-maker", "@hpcc-js/wasm-graphviz"] },
  layer: { ...PURE, builtins: ["crypto", "zlib"], inside: ["image", "trust/ports.ts"], packages: [] },
  registry: {
    ...ADAPTER,
    inside: ["image", "attestation", "layer", "trust/ports.ts"],
    packages: ["zod", "undici", "ipaddr.js", "p-limit"],
  },
  archive: { ...ADAPTER, inside: ["image", "attestation", "layer", "trust/ports.ts"], packages: ["zod"] },
  sigstore: {
    ...ADAPTER,
    inside: ["image", "attestation", "trust/ports.ts"],
    packages: [
      "zod",
      "@noble/curves",
      "@sigstore/bundle",
      "@sigstore/core",
      "@sigstore/protobuf-specs",
      "@sigstore/sign",
      "@sigstore/verify",
      "tuf-js",
    ],
  },
  signer: { ...ADAPTER, inside: ["image", "attestation", "trust"], packages: [] },
  github: { ...ADAPTER, inside: CORE, packages: ["zod", "@octokit/rest"] },
  store: { ...ADAPTER, inside: CORE, packages: ["zod", "kysely", "@electric-sql/pglite", "pg", "pg-boss"] },
  api: { ...ADAPTER, inside: [...CORE, "admission", "report"], packages: ["zod"] },
  app: {
    inside: [...CORE, "admission", "api", "archive", "report", "registry", "sigstore", "signer", "github", "store"],
    packages: ["probot", "@octokit/rest", "zod"],
    builtins: "any",
    globals: "any",
  },
  cli: {
    inside: [...CORE, "api", "report", "registry", "archive", "sigstore", "signer", "github", "store", "app"],
    packages: ["commander", "p-limit", "yaml", "zod"],
    builtins: "any",
    globals: "any",
  },
};

/** The action's sources, `action/src`: an entry that reaches the network through the registry's client and the packages named here alone. */
const ACTION: Allowed = {
  inside: ["image", "attestation", "trust/ports.ts", "registry"],
  packages: ["@actions/core", "@docker/actions-toolkit", "@octokit/rest", "@sigstore/bundle", "@sigstore/sign", "zod"],
  builtins: ["crypto", "fs/promises", "os", "path", "timers/promises", "util"],
  globals: "no-network",
};
const ACTION_SOURCES = "action/src/";

/** Names that say nothing about what is inside; such a file ends up tying everything together. */
const EMPTY_NAMES =
  /(?:^|[-.])(?:utils|types|helpers|constants)\.ts$|^(?:util|type|helper|constant|common|misc|index)\.ts$/;

/** What the pure folders may take from `node:crypto`: arithmetic on the bytes given, no randomness. */
const PURE_CRYPTO = [
  "createHash",
  "hash",
  "timingSafeEqual",
  "createPublicKey",
  "KeyObject",
  "X509Certificate",
  "verify",
];

/** Globals that the pure folders may name: the language's own, and codecs. `Date` and `Math` are looked at more closely. */
const PURE_GLOBALS = new Set(
  `AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean Buffer DataView Date Error EvalError Float32Array
  Float64Array Infinity Int16Array Int32Array Int8Array Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError
  Reflect RegExp Set String Symbol SyntaxError TextDecoder TextEncoder TypeError URIError URL URLSearchParams Uint16Array Uint32Array
  Uint8Array Uint8ClampedArray WeakMap WeakSet atob btoa decodeURI decodeURIComponent encodeURI encodeURIComponent isFinite isNaN parseFloat
  parseInt structuredClone undefined`.split(/\s+/),
);

/** Names that CommonJS or the module itself would give, beside Node's globals. */
const AMBIENT = ["require", "module", "exports", "__dirname", "__filename"];

/** One place where the law is broken. */
export interface Breach {
  readonly rule:
    | "folder"
    | "name"
    | "inside"
    | "outside"
    | "package"
    | "builtin"
    | "crypto"
    | "computed-import"
    | "undeclared-package"
    | "unused-package"
    | "barrel"
    | "cycle"
    | "global"
    | "locale";
  readonly path: string;
  readonly detail: string;
}

/** A file of `src/` or `action/src/`: its path from the project's root, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/**
 * Every breach of the law of imports among the files of `src/` and `action/src/`.
 *
 * @param sources - All `.ts` files of `src/`, not a part of them: unused packages and cycles show only in the whole.
 * @param dependencies - The names under `dependencies` in package.json.
 * @param bundled - Those under `devDependencies`, which the action may use beside: what it needs is in its bundle.
 */
export async function breachesOf(
  sources: readonly Source[],
  dependencies: readonly string[],
  bundled: readonly string[] = [],
): Promise<readonly Breach[]> {
  const breaches: Breach[] = [];
  const used = new Set<string>();
  for (const source of sources) {
    const isAction = source.path.startsWith(ACTION_SOURCES);
    const folder = isAction ? "action" : (source.path.split("/")[1] ?? "");
    const isLawful = source.path.split("/").length > 2 && Object.hasOwn(LAW, folder);
    const allowed = isAction ? ACTION : isLawful ? LAW[folder] : undefined;
    if (allowed === undefined) {
      breaches.push({ rule: "folder", path: source.path, detail: `no folder of the plan: src/${folder}` });
      continue;
    }
    if (EMPTY_NAMES.test(source.path.split("/").at(-1) ?? "")) {
      breaches.push({ rule: "name", path: source.path, detail: "the name says nothing about what is inside" });
    }
    if (isBarrel(source.text)) breaches.push({ rule: "barrel", path: source.path, detail: "only re-exports" });
    for (const each of importsOf(source.text)) {
      const breach = breachOfImport(source.path, folder, allowed, each);
      if (breach !== undefined) breaches.push({ path: source.path, ...breach });
      const name = packageOf(each.specifier);
      if (name === undefined) continue;
      if (!isAction) used.add(name);
      if (!each.typeOnly && !dependencies.includes(name) && !(isAction && bundled.includes(name))) {
        breaches.push({
          rule: "undeclared-package",
          path: source.path,
          detail: `${name} isn't among the dependencies`,
        });
      }
    }
    breaches.push(...(await breachesOfGlobals(source, allowed.globals)));
  }
  for (const name of dependencies) {
    if (!used.has(name))
      breaches.push({ rule: "unused-package", path: "package.json", detail: `nothing in src/ imports ${name}` });
  }
  for (const ring of ringsOf(sources)) breaches.push({ rule: "cycle", path: ring[0] ?? "", detail: ring.join(" -> ") });
  return breaches;
}

function breachOfImport(
  path: string,
  folder: string,
  allowed: Allowed,
  each: Import,
): Omit<Breach, "path"> | undefined {
  const { specifier } = each;
  const here = folder === "action" ? "action/src" : `src/${folder}`;
  if (specifier === COMPUTED) return { rule: "computed-import", detail: "import() of something that is computed" };
  const target = resolveImport(path, specifier);
  if (target !== undefined) {
    // The version stands there and nowhere else; the bundler takes it along.
    if (target === "package.json" && allowed.globals === "any") return undefined;
    const [top, to = ""] = target.split("/");
    if (folder === "action" && target.startsWith(ACTION_SOURCES)) return undefined;
    if (top !== "src") return { rule: "outside", detail: `imports ${target}` };
    const inside = to === folder || allowed.inside.includes(to) || allowed.inside.includes(target.slice("src/".length));
    return inside ? undefined : { rule: "inside", detail: `${here} may not import ${target}` };
  }
  if (specifier.startsWith("node:")) {
    const builtin = specifier.slice("node:".length);
    if (allowed.builtins !== "any" && !allowed.builtins.includes(builtin)) {
      return { rule: "builtin", detail: `${here} may not import ${specifier}` };
    }
    const random =
      allowed.globals === "pure" &&
      builtin === "crypto" &&
      !each.typeOnly &&
      each.names.find((name) => !PURE_CRYPTO.includes(name));
    return random ? { rule: "crypto", detail: `${here} may not take ${random} from ${specifier}` } : undefined;
  }
  const name = packageOf(specifier) ?? specifier;
  return allowed.packages.includes(name) ? undefined : { rule: "package", detail: `${here} may not import ${name}` };
}

function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("node:") || specifier === COMPUTED) return undefined;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isBarrel(text: string): boolean {
  const rest = withoutComments(text).replace(/^(?:import|export)\b[^;"']*\bfrom\s*["'][^"']+["'];?/gm, "");
  return rest.trim() === "" && importsOf(text).some((each) => each.reexport);
}

const MARK = "$law_";
const GLOBALS = [...Object.getOwnPropertyNames(globalThis), ...AMBIENT].filter((name) => !PURE_GLOBALS.has(name));

/**
 * What a file takes from the air. The bundler knows the scopes: it renames free names only, so that neither a comment, a
 * string, a property nor a local variable of the same name is taken for the global.
 */
async function breachesOfGlobals(source: Source, globals: Allowed["globals"]): Promise<readonly Breach[]> {
  if (globals === "any") return [];
  const watched = {
    pure: [...GLOBALS, "Date", "Math"],
    "no-process": ["process", "globalThis", "global"],
    "no-network": ["fetch", "WebSocket", "EventSource", "globalThis", "global"],
  }[globals];
  const define = Object.fromEntries(watched.map((name) => [name, MARK + name]));
  const { code } = await transform(source.text, {
    loader: "ts",
    format: "esm",
    target: "esnext",
    legalComments: "none",
    define,
  });
  const breaches: Breach[] = [];
  const report = (rule: Breach["rule"], detail: string) => breaches.push({ rule, path: source.path, detail });
  const marked = /(new\s+|instanceof\s+)?\$law_([A-Za-z_$][\w$]*)((?:\?\.|\.)\s*[A-Za-z_$][\w$]*)?(\s*\(\s*\)?)?/g;
  for (const [, before = "", name = "", member = "", call = ""] of code.matchAll(marked)) {
    const property = member.replace(/^[?.\s]+/, "");
    if (name === "Date") {
      const given = before.startsWith("new") && call.includes("(") && !call.includes(")");
      const harmless =
        before.startsWith("instanceof") || property === "parse" || property === "UTC" || (given && property === "");
      if (!harmless) report("global", "Date without an argument is the clock");
    } else if (name === "Math") {
      if (property === "random" || property === "")
        report("global", "Math.random, or Math in a way that can't be checked");
    } else report("global", name + member);
  }
  if (globals === "pure") {
    // The answer of these depends on the machine's language or time zone.
    const locale = /\.(toLocale\w*|localeCompare|get(?:FullYear|Month|Date|Day|Hours|Minutes|TimezoneOffset))\(/.exec(
      code,
    );
    if (locale !== null) report("locale", `${locale[1]} depends on the machine's language or time zone`);
    if (/\bimport\.meta\b/.test(code)) report("global", "import.meta");
  }
  return breaches;
}

/** Rings of imports that exist when the program runs. Type-only imports tie nothing. */
function ringsOf(sources: readonly Source[]): readonly (readonly string[])[] {
  const edges = new Map(
    sources.map(({ path, text }) => [
      path,
      importsOf(text).flatMap((each) => (each.typeOnly ? [] : (resolveImport(path, each.specifier) ?? []))),
    ]),
  );
  const done = new Set<string>();
  const rings: (readonly string[])[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) rings.push([...trail.slice(trail.indexOf(path)), path]);
    else if (!done.has(path)) {
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of edges.keys()) visit(path, []);
  return rings;
}
