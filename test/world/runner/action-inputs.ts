import { z } from "zod";

/** What the action's inputs are made of. */
export interface InputSources {
  /** The dispatched inputs; the workflow of the repository passes them on as they are. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Inputs of build.yml that the dispatch doesn't have. */
  readonly settings: Readonly<Record<"fulcio-url" | "rekor-url" | "rekor-version" | "tsa-url", string>>;
  /** Lines `id=value`, the secret `build-secrets`. */
  readonly buildSecrets: string;
  readonly token: string;
}

/** How build.yml fills one input of the action. */
export interface ActionInput {
  /** What stands between `${{` and `}}`: a test compares it with build.yml. */
  readonly expression: string;
  /** What that comes to. */
  value(sources: InputSources, request: Readonly<Record<string, unknown>>): string;
}

/** GitHub's `toJSON`. */
const json = (value: unknown) => JSON.stringify(value ?? null, null, 2);
const words = (value: unknown) => (value === undefined || value === null ? "" : String(value));
const joined = (value: unknown) => (Array.isArray(value) ? value.join(",") : words(value));

function fromRequest(name: string, wrap: (inner: string) => string, value: (field: unknown) => string): ActionInput {
  return { expression: wrap(`fromJSON(inputs.request).${name}`), value: (_, request) => value(request[name]) };
}

const text = (name: string) => fromRequest(name, (inner) => inner, words);
const list = (name: string) => fromRequest(name, (inner) => `join(${inner}, ',')`, joined);
const object = (name: string) => fromRequest(name, (inner) => `toJSON(${inner})`, json);
const setting = (name: keyof InputSources["settings"]): ActionInput => ({
  expression: `inputs.${name}`,
  value: ({ settings }) => settings[name],
});

/** `with:` of build.yml's step that builds. The stand-in interprets no YAML, so that this says it again, and a test holds the two together. */
export const ACTION_INPUTS: Readonly<Record<string, ActionInput>> = {
  image: text("image"),
  tags: list("tags"),
  dockerfile: text("dockerfile"),
  context: text("context"),
  target: text("target"),
  platforms: list("platforms"),
  "build-args": object("build-args"),
  contexts: object("contexts"),
  secrets: list("secrets"),
  "secret-values": { expression: "secrets.build-secrets", value: ({ buildSecrets }) => buildSecrets },
  "build-id": { expression: "inputs.build-id", value: ({ inputs }) => inputs["build-id"] ?? "" },
  "github-token": { expression: "github.token", value: ({ token }) => token },
  "fulcio-url": setting("fulcio-url"),
  "rekor-url": setting("rekor-url"),
  "rekor-version": setting("rekor-version"),
  "tsa-url": setting("tsa-url"),
};

/** The action's inputs as variables of its process: the name in upper case, spaces as underscores, hyphens as they are. */
export function inputVariables(sources: InputSources): Readonly<Record<string, string>> {
  const request = z.record(z.string(), z.unknown()).parse(JSON.parse(sources.inputs.request ?? "{}"));
  return Object.fromEntries(
    Object.entries(ACTION_INPUTS).map(([name, input]) => [
      `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`,
      input.value(sources, request),
    ]),
  );
}
