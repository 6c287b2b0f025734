import { z } from "zod";
import { JsonError, parseJson } from "../../src/image/json.ts";
import { formatPlatform, parsePlatform } from "../../src/image/platform.ts";
import { imageName, parseReference } from "../../src/image/reference.ts";

/** Every input of `action.yml`, in its order there. */
export const INPUT_NAMES = [
  "image",
  "tags",
  "dockerfile",
  "context",
  "target",
  "platforms",
  "build-args",
  "contexts",
  "secrets",
  "secret-values",
  "build-id",
  "github-token",
  "fulcio-url",
  "rekor-url",
  "rekor-version",
  "tsa-url",
] as const;

export type InputName = (typeof INPUT_NAMES)[number];

/** Where signatures come from. */
export interface SigningServices {
  readonly fulcioUrl: string;
  readonly rekorUrl: string;
  readonly rekorVersion: 1 | 2;
  /** Undefined: the log's own time is the only one. */
  readonly tsaUrl: string | undefined;
}

/** What the action was asked for, checked. */
export interface Inputs {
  /** registry/repository, in its whole form. */
  readonly image: string;
  readonly tags: readonly string[];
  /** Below the context. */
  readonly dockerfile: string;
  /** A directory of the repository; its root if undefined. */
  readonly context: string | undefined;
  readonly target: string | undefined;
  /** The builder's own if empty. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly contexts: Readonly<Record<string, string>>;
  /** Values by id: those that `secrets` names, and no other. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly buildId: string | undefined;
  readonly githubToken: string | undefined;
  readonly signing: SigningServices;
}

/** Inputs that can't be used; every fault of them. */
export class InputError extends Error {
  readonly code = "malformed-input";
  /** `input: what is wrong`, without any secret's value. */
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`${faults.length === 1 ? "an input" : `${faults.length} inputs`} can't be used:\n${faults.join("\n")}`);
    this.name = "InputError";
    this.faults = faults;
  }
}

/** A name that begins with a letter or digit can't be taken for an option, and one without `,` and `"` not for several values. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const BUILD_ARG_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const CONTEXT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/;
const GIT_URL = /^https?:\/\/[^\s#?"]+\.git(?:#[^\s"]+)?$/;

const optional = (schema: z.ZodType<string, string>) =>
  z.string().transform((text, context) => (text === "" ? undefined : parsed(schema, text, context)));

/** Commas or line ends between the values. */
const list = (schema: z.ZodType<string, string>, name: string) =>
  z.string().transform((text, context) => {
    const values = valuesIn(text);
    for (const value of values) {
      const outcome = schema.safeParse(value);
      if (!outcome.success) {
        context.addIssue({ code: "custom", message: `${quoted(value)} is no ${name}: ${firstIssue(outcome.error)}` });
      }
    }
    return [...new Set(values)];
  });

/** A JSON object of texts; what isn't there is the empty one. */
const object = (name: RegExp, value: z.ZodType<string>) =>
  z.string().transform((text, context): Readonly<Record<string, string>> => {
    let document: unknown;
    try {
      document = text.trim() === "" ? {} : parseJson(Buffer.from(text));
    } catch (error) {
      const reason = error instanceof JsonError ? error.message : String(error);
      context.addIssue({ code: "custom", message: `not a JSON object: ${reason}` });
      return z.NEVER;
    }
    // A workflow expression makes `null` of what isn't there.
    if (document === null) return {};
    if (typeof document !== "object" || Array.isArray(document)) {
      context.addIssue({ code: "custom", message: 'not a JSON object: write {"NAME": "VALUE"}' });
      return z.NEVER;
    }
    const entries = Object.entries(document).map(([key, given]): [string, string] => {
      if (!name.test(key)) context.addIssue({ code: "custom", message: `${quoted(key)} is no name that can be used` });
      const outcome = value.safeParse(given);
      if (!outcome.success) {
        context.addIssue({ code: "custom", message: `${quoted(key)}: ${firstIssue(outcome.error)}` });
        return [key, ""];
      }
      return [key, outcome.data];
    });
    return Object.fromEntries(entries);
  });

const text = z
  .union([z.string(), z.number(), z.boolean()], { error: "a text, a number, true or false" })
  .transform(String)
  .refine((value) => !value.includes("\0"), { error: "a zero character can't be passed on" });

/** Below the source's root, and nowhere else: an absolute path, or an address, would be read from elsewhere than the commit. */
const path = z.string().refine(
  (value) => {
    const parts = value.split("/");
    return !/[\p{Cc}\\:#?%"]/u.test(value) && !/^[-/]|^git@|^github\.com\//.test(value) && !parts.includes("..");
  },
  { error: "a path below the source's root: relative, without .. and without : # ? % \\ and quotes" },
);

const image = z.string().transform((value, context) => {
  const reference = attempt(() => parseReference(value), context);
  if (reference === undefined) return z.NEVER;
  if (reference.tag !== undefined || reference.digest !== undefined) {
    context.addIssue({
      code: "custom",
      message: "registry/repository, without a tag or digest: tags have their own input",
    });
  }
  return imageName(reference);
});

const tag = z.string().refine((value) => attemptTag(value), {
  error: "at most 128 of A-Z a-z 0-9 _ . - and the first of them no . or -",
});

const platform = z.string().transform((value, context) => {
  const read = attempt(() => parsePlatform(value), context);
  return read === undefined ? z.NEVER : formatPlatform(read);
});

const contextSource = z.string({ error: "a text" }).superRefine((value, context) => {
  const [, reference] = /^docker-image:\/\/(.*)$/s.exec(value) ?? [];
  if (reference !== undefined) attempt(() => parseReference(reference), context);
  else if (!GIT_URL.test(value)) {
    const message = "docker-image://IMAGE, or https://….git#COMMIT: a directory of the runner is of no commit";
    context.addIssue({ code: "custom", message });
  }
});

/** Tokens and signatures go there: plain http to this machine alone. */
const serviceUrl = z
  .string()
  .refine((value) => isServiceUrl(value), { error: "https://HOST, or http:// to a loopback address" })
  .transform((value) => value.replace(/\/+$/, ""));

const secretIds = list(z.string().regex(PLAIN_NAME, { error: "letters, digits, _ . -" }), "secret id");

const schema = z.object({
  image,
  tags: list(tag, "tag").refine((tags) => tags.length > 0, { error: "name at least one tag" }),
  dockerfile: z
    .string()
    .transform((value) => (value === "" ? "Dockerfile" : value))
    .pipe(path),
  context: optional(path),
  target: optional(z.string().regex(PLAIN_NAME, { error: "the name of a stage: letters, digits, _ . -" })),
  platforms: list(platform, "platform").transform((values) => [
    ...new Set(values.map((value) => platform.safeParse(value).data ?? value)),
  ]),
  "build-args": object(BUILD_ARG_NAME, text),
  contexts: object(CONTEXT_NAME, contextSource),
  secrets: secretIds,
  "secret-values": z.string().transform(readSecretValues),
  "build-id": optional(z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: "at most 64 letters, digits and -" })),
  "github-token": optional(z.string().regex(/^\S+$/, { error: "a token without spaces" })),
  "fulcio-url": serviceUrl,
  "rekor-url": serviceUrl,
  "rekor-version": z.enum(["1", "2"], { error: "1 or 2" }).transform((value): 1 | 2 => (value === "1" ? 1 : 2)),
  "tsa-url": optional(serviceUrl),
});

/**
 * Reads and checks the inputs.
 *
 * @param read - The input's text, "" where it isn't given.
 * @throws {InputError} with all faults at once.
 */
export function parseInputs(read: (name: InputName) => string): Inputs {
  const outcome = schema.safeParse(Object.fromEntries(INPUT_NAMES.map((name) => [name, read(name)])));
  const issues = outcome.success ? [] : outcome.error.issues;
  const faults = [...issues.map(({ path: [name], message }) => `${String(name)}: ${message}`), ...faultsBetween(read)];
  if (!outcome.success || faults.length > 0) throw new InputError(faults);
  const { data } = outcome;
  return {
    image: data.image,
    tags: data.tags,
    dockerfile: data.dockerfile,
    context: data.context,
    target: data.target,
    platforms: data.platforms,
    buildArgs: data["build-args"],
    contexts: data.contexts,
    secrets: new Map(data.secrets.map((id) => [id, data["secret-values"].get(id) ?? ""])),
    buildId: data["build-id"],
    githubToken: data["github-token"],
    signing: {
      fulcioUrl: data["fulcio-url"],
      rekorUrl: data["rekor-url"],
      rekorVersion: data["rekor-version"],
      tsaUrl: data["tsa-url"],
    },
  };
}

/** What is wrong between inputs; told whether or not each is right in itself. */
function* faultsBetween(read: (name: InputName) => string): Generator<string> {
  const values = readSecretValues(read("secret-values"));
  for (const id of valuesIn(read("secrets"))) {
    if (!values.has(id)) yield `secret-values: no line ${quoted(`${id}=…`)} for an id that secrets names`;
  }
  if (read("rekor-version") === "2" && read("tsa-url") === "") {
    yield "tsa-url: rekor-version 2 needs one, its entries carry no time of their own";
  }
}

/** Lines `id=value`; of two with one id the last counts. All values are to be masked before anything is checked. */
export function readSecretValues(lines: string): ReadonlyMap<string, string> {
  return new Map(
    lines.split(/\r?\n/).flatMap((line): [string, string][] => {
      const at = line.indexOf("=");
      return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1)]];
    }),
  );
}

function valuesIn(text: string): readonly string[] {
  return text.split(/[,\r\n]+/).flatMap((value) => value.trim() || []);
}

function parsed(inner: z.ZodType<string, string>, value: string, context: z.RefinementCtx): string {
  const outcome = inner.safeParse(value);
  if (outcome.success) return outcome.data;
  context.addIssue({ code: "custom", message: firstIssue(outcome.error) });
  return z.NEVER;
}

function attempt<T>(read: () => T, context: z.RefinementCtx): T | undefined {
  try {
    return read();
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return undefined;
  }
}

function attemptTag(value: string): boolean {
  try {
    return parseReference(`registry.invalid/name:${value}`).tag === value;
  } catch {
    return false;
  }
}

function isServiceUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") return false;
  const isLoopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback);
}

function firstIssue(error: z.ZodError): string {
  return error.issues[0]?.message ?? "it can't be used";
}

function quoted(value: string): string {
  return JSON.stringify(value.slice(0, 160));
}
