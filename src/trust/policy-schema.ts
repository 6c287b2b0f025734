import { z } from "zod";
import { isDigest } from "../image/digest.ts";
import { parsePlatform } from "../image/platform.ts";
import { isTag, parseReference } from "../image/reference.ts";
import { builderEntry, defaultBuilderEntry, glob } from "./builder-schema.ts";
import { referrersEntry } from "./external-referrers.ts";
import { feedEntry, MAX_FEEDS } from "./feed-entry.ts";
import { mirrorEntry } from "./mirror.ts";
import { builderPresetEntry, publisherEntry } from "./preset-entry.ts";
import { verifierEntry } from "./verifier-entry.ts";

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

/** Since when it is known: a verifier's summary from before could not know of it (RULES R28). */
const made = moment.optional();

/** Of any owner: revoking too much is a mistake that shows. */
const revokedWorkflow = glob.refine((text) => /^[^@]+@[^@]+$/.test(text) && !/^https?:/.test(text), {
  error: "OWNER/REPO/.github/workflows/FILE@REF, without the server; no wildcard crosses @",
});

const window = { from: moment.optional(), until: moment.optional(), reason, made };
const isOrdered = ({ from, until }: { from?: string | undefined; until?: string | undefined }) =>
  from === undefined || until === undefined || from.slice(0, until.length) <= until;
const reversed = { error: "from is after until: it would revoke nothing" };

const revocation = z.union(
  [
    z.strictObject({ digest, reason, made }),
    z.strictObject({ commit: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/), reason, made }),
    z.strictObject({ identity: signer, ...window }).refine(isOrdered, reversed),
    z
      .strictObject({
        builder: revokedWorkflow,
        "workflow-digest": z
          .string()
          .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
          .optional(),
        ...window,
      })
      .refine(isOrdered, reversed),
  ],
  {
    error:
      "{ digest | commit | identity [, from] [, until] | builder [, workflow-digest] [, from] [, until], reason [, made] }",
  },
);

/** Whoever could write the host of an address would choose what is fetched: no wildcard there, and so none that crosses into it. */
const address = glob.refine((text) => /^https?:\/\/[a-z0-9.-]+(:[0-9]+)?\/./.test(text), {
  error: "https://HOST/PATH, the host in lower case and without wildcards",
});

/** What may go in beside images (RULES R20). */
const allow = z
  .strictObject({
    network: z.boolean().default(true),
    "local-context": z.boolean().default(false),
    "http-without-checksum": z.array(address).default([]),
    cache: z.boolean().default(true),
    privileged: z.boolean().default(true),
    layouts: z.array(digest).default([]),
  })
  .prefault({});

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

const trust = <Entry extends z.ZodType>(builder: Entry) =>
  z.strictObject({
    builders: z.array(builder).default([]),
    publishers: z.array(publisherEntry).default([]),
    "builder-presets": z.array(builderPresetEntry).default([]),
    mirrors: z.array(mirrorEntry).default([]),
    verifiers: z.array(verifierEntry).default([]),
    referrers: z.array(referrersEntry).default([]),
    allow,
    roots: z.array(root).default([]),
    "roots-from": z.array(feedEntry).max(MAX_FEEDS).default([]),
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

/** What a repository may be let loosen: keys of which it is clear what less strict means, and that revoke nothing. */
const loosenable = z.enum([
  "enforce",
  "trust.builders",
  "trust.publishers",
  "trust.roots",
  "trust.roles.inputs",
  "trust.roles.frontends",
  "trust.roles.tools",
  "trust.platforms",
  "trust.allow.network",
  "trust.allow.local-context",
  "trust.allow.http-without-checksum",
  "trust.allow.cache",
  "trust.allow.privileged",
  "trust.allow.layouts",
]);

/** A key that an organisation's policy may list in `loosen` (RULES R2). */
export type Loosenable = z.output<typeof loosenable>;

const file = <Entry extends z.ZodType>(builder: Entry) =>
  z.strictObject({
    version: z.literal(1, { error: "version: 1" }),
    enforce: z.enum(["report", "ratchet", "strict"]).default("strict"),
    loosen: z.array(loosenable).default([]),
    builds: z.array(build).default([]),
    trust: trust(builder).prefault({}),
  });

/** The form of a policy file (DESIGN §4.5). */
export const policySchema = file(builderEntry);

/** The form of the built-in default. */
export const defaultPolicySchema = file(defaultBuilderEntry);

export type PolicyFile = z.output<typeof policySchema>;
export type DefaultPolicyFile = z.output<typeof defaultPolicySchema>;
