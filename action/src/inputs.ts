import { z } from "zod";
import {
  BUILD_ARG_NAME,
  CONTEXT_NAME,
  contextSource,
  image,
  list,
  object,
  optional,
  PLAIN_NAME,
  path,
  platform,
  quoted,
  serviceUrl,
  tag,
  text,
  valuesIn,
} from "./input-fields.ts";

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

const schema = z.object({
  image,
  tags: list(tag, "tag").refine((tags) => tags.length > 0, { error: "name at least one tag" }),
  dockerfile: z
    .string()
    .transform((value) => (value === "" ? "Dockerfile" : value))
    .pipe(path),
  context: optional(path),
  target: optional(z.string().regex(PLAIN_NAME, { error: "the name of a stage: letters, digits, _ . -" })),
  platforms: list(platform, "platform"),
  "build-args": object(BUILD_ARG_NAME, text),
  contexts: object(CONTEXT_NAME, contextSource),
  secrets: list(z.string().regex(PLAIN_NAME, { error: "letters, digits, _ . -" }), "secret id"),
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
