import { z } from "zod";
import { isDigest } from "../image/digest.ts";
import { parsePlatform } from "../image/platform.ts";
import { imageName, isTag, parseReference } from "../image/reference.ts";
import { compileGlob } from "./glob.ts";

/** Events that never count, whatever policy says: they run code of strangers beside secrets (RULES R6). */
const NEVER_EVENTS = /^(?:pull_request.*|workflow_run|issue_comment)$/;

const glob = z.string().superRefine((text, context) => {
  try {
    compileGlob(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

/** YAML reads an unquoted id as a number; both spellings are the id. */
const numericId = z
  .union([z.number().int().positive(), z.string().regex(/^[1-9][0-9]*$/)], {
    error: "a numeric id, as GitHub's API shows it",
  })
  .transform(String);

const digest = z
  .string()
  .refine(isDigest, { error: "a digest: sha256: and 64 lower-case hexadecimal digits (or sha384, sha512)" });

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, { error: "a day as YYYY-MM-DD", abort: true })
  .refine(isDay, { error: "no such day" });

const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/, {
    error: "a time as YYYY-MM-DDTHH:MM:SSZ, or a day",
    abort: true,
  })
  .refine((text) => isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text)), { error: "no such time" });

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Compared with certificates as text, so there is one spelling. */
const serverUrl = z.string().regex(/^https?:\/\/[a-z0-9.-]+(:[0-9]+)?$/, {
  error: "the server's URL: https://HOST in lower case, without a slash at its end",
});

const workflow = glob.superRefine((text, context) => {
  const [path = "", ref, ...rest] = text.split("@");
  const [owner = "", repository = "", ...file] = path.split("/");
  if (ref === undefined || rest.length > 0 || !/^\.github\/workflows\/[^/]+$/.test(file.join("/"))) {
    context.addIssue({ code: "custom", message: "OWNER/REPO/.github/workflows/FILE@REF, with one @" });
  }
  if (ref !== undefined && !/^refs\/(tags|heads)\/./.test(ref) && !/^[0-9a-f]{40}$/.test(ref)) {
    context.addIssue({
      code: "custom",
      message: "after @: refs/tags/…, refs/heads/…, or a commit of 40 digits, spelled out (RULES R7)",
    });
  }
  if ([owner, repository].some((part) => part.includes("*") || part === "")) {
    context.addIssue({
      code: "custom",
      message: "owner and repository of a workflow are names, not patterns: anyone could be the builder",
    });
  }
});

const event = z
  .string()
  .regex(/^[a-z_]+$/)
  .refine((name) => !NEVER_EVENTS.test(name), {
    error: "an event that never counts: it runs code of strangers (RULES R6)",
  });

const ref = glob.refine((text) => text === "default-branch" || /^refs\/(tags|heads)\/./.test(text), {
  error: "refs/tags/…, refs/heads/… or default-branch",
});

const github = z.strictObject({
  /** Whose source: OWNER/REPO, where a part may be a {name} captured from the image's name. */
  repository: glob
    .refine((text) => /^[^/@]+\/[^/@]+$/.test(text), { error: "OWNER/REPO" })
    .refine((text) => !text.includes("*"), {
      error: "a wildcard source: write {repo} and use it in images, or list the pairs (RULES R4)",
    }),
  "repository-id": numericId.optional(),
  "owner-id": numericId.optional(),
  workflow,
  "workflow-digest": z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, { error: "a commit of 40 or 64 hexadecimal digits" })
    .optional(),
  runner: z.enum(["github-hosted", "self-hosted", "any"]).default("github-hosted"),
  events: z.array(event).min(1).default(["push", "release", "workflow_dispatch"]),
  refs: z.array(ref).min(1).default(["refs/tags/**"]),
  server: serverUrl.optional(),
  issuer: z.url().optional(),
});

/** The default's own form (RULES R5): any repository of one owner, any workflow. Not offered to policy files (RULES R4). */
const githubOwner = github.omit({ repository: true, workflow: true, "repository-id": true }).extend({ owner: glob });

const level = z.number().int().min(0).max(3);

/** Names are compared in their whole form, so a short one would match nothing; patterns with wildcards are taken as they are. */
const imagePattern = glob.superRefine((text, context) => {
  if (/[*{]/.test(text)) return;
  let canonical: string | undefined;
  try {
    canonical = imageName(parseReference(text));
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
  if (canonical !== undefined && canonical !== text)
    context.addIssue({ code: "custom", message: `the whole name without tag and digest: ${canonical}` });
});

const builder = <Shape extends z.ZodType>(source: Shape) =>
  z.strictObject({
    images: z.array(imagePattern).min(1),
    github: source,
    level: level.default(2),
    builds: z.boolean().default(false),
  });

const reason = z.string().trim().min(1, { error: "say why" });

const root = z.strictObject({
  image: z.string().superRefine((text, context) => {
    try {
      if (parseReference(text).digest === undefined)
        context.addIssue({ code: "custom", message: "a root is a digest: NAME@sha256:… (RULES R27)" });
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  }),
  reason,
  expires: day,
});

/** A revocation that can match nothing is worse than none: whoever wrote it believes that it holds. */
const signer = glob.refine((text) => text.includes("@") || text.startsWith("sha256:"), {
  error: "no wildcard crosses @, so this matches no signer: https://github.com/OWNER/REPO/.github/workflows/FILE@REF",
});

const revocation = z.union(
  [
    z.strictObject({ digest, reason }),
    z.strictObject({ commit: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/), reason }),
    z
      .strictObject({ identity: signer, from: moment.optional(), until: moment.optional(), reason })
      .refine(({ from, until }) => from === undefined || until === undefined || from.slice(0, until.length) <= until, {
        error: "from is after until: it would revoke nothing",
      }),
  ],
  { error: "{ digest | commit | identity [, from] [, until], reason }" },
);

const roleRule = z.enum(["attested", "pinned", "allow"]);

const platform = z.string().superRefine((text, context) => {
  try {
    parsePlatform(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

const imageWithoutTag = z.string().superRefine((text, context) => {
  try {
    const { tag, digest } = parseReference(text);
    if (tag !== undefined || digest !== undefined)
      context.addIssue({ code: "custom", message: "a name without tag and digest" });
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

/** `latest`, `{version}`, `edge-{tag}`: with any git tag in it, still a tag. */
const imageTag = z.string().refine((text) => isTag(text.replace(/\{(tag|version)\}/g, "0")), {
  error: "an image's tag, in which {tag} stands for the git tag, and {version} for it without a v in front",
});

/** The caller's workflow where policy names none. */
const DEFAULT_WORKFLOW = "trusted-builds.yml";

const build = z.strictObject({
  image: imageWithoutTag,
  dockerfile: z.string().min(1).default("Dockerfile"),
  context: z.string().min(1).optional(),
  target: z.string().min(1).optional(),
  platforms: z.array(platform).min(1).optional(),
  "build-args": z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  contexts: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string().min(1)).default([]),
  tags: z.array(glob).min(1).optional(),
  "image-tags": z
    .array(imageTag)
    .min(1)
    .refine(([first]) => first === undefined || /\{(tag|version)\}/.test(first), {
      error: "the first one names the build: it has {tag} or {version} in it",
    })
    .default(["{tag}"]),
  workflow: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.ya?ml$/, {
      error: "the name of a file in .github/workflows: trusted-builds.yml",
    })
    .default(DEFAULT_WORKFLOW),
});

/** Parts of the policy language whose rules this version doesn't hold yet: refused, because skipping them could loosen a verdict. */
const notYet = (what: string) => z.undefined({ error: `${what} in a later version; leave it out` }).optional();

const trust = <Shape extends z.ZodType>(source: Shape) =>
  z.strictObject({
    builders: z.array(builder(source)).default([]),
    publishers: notYet("presets of publishers come"),
    "builder-presets": notYet("presets of builders come"),
    verifiers: z.array(z.never({ error: "accepting VSAs comes in a later version; leave the list empty" })).default([]),
    allow: notYet("rules for inputs that are not images come"),
    roots: z.array(root).default([]),
    roles: z
      .strictObject({
        inputs: roleRule.default("attested"),
        frontends: roleRule.default("attested"),
        tools: roleRule.default("attested"),
      })
      .prefault({}),
    platforms: z.array(platform).min(1).optional(),
    revoked: z.array(revocation).default([]),
  });

const file = <Shape extends z.ZodType>(source: Shape) =>
  z.strictObject({
    version: z.literal(1, { error: "version: 1" }),
    builds: z.array(build).default([]),
    trust: trust(source).prefault({}),
  });

/** The form of a policy file (DESIGN §4.5). */
export const policySchema = file(github);

/** The form of the built-in default. */
export const defaultPolicySchema = file(githubOwner);

export type PolicyFile = z.output<typeof policySchema>;
export type DefaultPolicyFile = z.output<typeof defaultPolicySchema>;
