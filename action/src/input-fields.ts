import { z } from "zod";
import { JsonError, parseJson } from "../../src/image/json.ts";
import { formatPlatform, parsePlatform } from "../../src/image/platform.ts";
import { imageName, parseReference } from "../../src/image/reference.ts";

/** A name that begins with a letter or digit can't be taken for an option, and one without `,` and `"` not for several values. */
export const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
/** An argument of a Dockerfile: `=` would end its name. */
export const BUILD_ARG_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** A name of an image or a stage. */
export const CONTEXT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/;
const GIT_URL = /^https?:\/\/[^\s#?"]+\.git(?:#[^\s"]+)?$/;

/** A text of that form; undefined where it is empty. */
export const optional = (schema: z.ZodType<string, string>) =>
  z.string().transform((text, context) => (text === "" ? undefined : parsed(schema, text, context)));

/** Commas or line ends between the values. */
export const list = (schema: z.ZodType<string, string>, name: string) =>
  z.string().transform((text, context) => {
    const values = valuesIn(text).map((value) => {
      const outcome = schema.safeParse(value);
      if (outcome.success) return outcome.data;
      context.addIssue({ code: "custom", message: `${quoted(value)} is no ${name}: ${firstIssue(outcome.error)}` });
      return value;
    });
    return [...new Set(values)];
  });

/** A JSON object of texts; what isn't there is the empty one. */
export const object = (name: RegExp, value: z.ZodType<string>) =>
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

/** What JSON has for a text; a number or a switch is meant as it is written. */
export const text = z
  .union([z.string(), z.number(), z.boolean()], { error: "a text, a number, true or false" })
  .transform(String)
  .refine((value) => !value.includes("\0"), { error: "a zero character can't be passed on" });

/** Below the source's root, and nowhere else: an absolute path, or an address, would be read from elsewhere than the commit. */
export const path = z.string().refine(
  (value) => {
    const parts = value.split("/");
    return !/[\p{Cc}\\:#?%"]/u.test(value) && !/^[-/]|^git@|^github\.com\//.test(value) && !parts.includes("..");
  },
  { error: "a path below the source's root: relative, without .. and without : # ? % \\ and quotes" },
);

/** registry/repository in its whole form. */
export const image = z.string().transform((value, context) => {
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

/** A tag of an image. */
export const tag = z.string().refine((value) => attemptTag(value), {
  error: "at most 128 of A-Z a-z 0-9 _ . - and the first of them no . or -",
});

/** In its normal form, so that no platform is named twice. */
export const platform = z.string().transform((value, context) => {
  const read = attempt(() => parsePlatform(value), context);
  return read === undefined ? z.NEVER : formatPlatform(read);
});

/** What can stand for a named context: something that has a digest or a commit. */
export const contextSource = z.string({ error: "a text" }).superRefine((value, context) => {
  const [, reference] = /^docker-image:\/\/(.*)$/s.exec(value) ?? [];
  if (reference !== undefined) attempt(() => parseReference(reference), context);
  else if (!GIT_URL.test(value)) {
    const message = "docker-image://IMAGE, or https://….git#COMMIT: a directory of the runner is of no commit";
    context.addIssue({ code: "custom", message });
  }
});

/** Tokens and signatures go there: plain http to this machine alone. */
export const serviceUrl = z
  .string()
  .refine((value) => isServiceUrl(value), { error: "https://HOST, or http:// to a loopback address" })
  .transform((value) => value.replace(/\/+$/, ""));

/** What stands between commas and line ends. */
export function valuesIn(text: string): readonly string[] {
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

/** For messages: one line, and not too long. */
export function quoted(value: string): string {
  return JSON.stringify(value.slice(0, 160));
}
