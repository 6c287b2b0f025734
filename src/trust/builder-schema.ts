import { z } from "zod";
import { fingerprintOf } from "../attestation/public-key.ts";
import { imageName, parseReference } from "../image/reference.ts";
import { compileGlob } from "./glob.ts";

/** The issuer of tokens for workflows on github.com. */
export const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";

/** Issuers of GitHub's: github.com, enterprises with data residency, and the path that every server of an enterprise's own has. */
export const GITHUB_ISSUERS =
  /^https:\/\/token\.actions\.(githubusercontent\.com|[^/]+\.ghe\.com)\b|\/_services\/token\/?$/i;

/** Events that never count, whatever policy says: they run code of strangers beside secrets (RULES R6). */
export const NEVER_EVENTS = /^(?:pull_request.*|workflow_run|issue_comment|.*merge_request.*|external_pull_request.*)$/;

/** A pattern that can be compiled (RULES R7). */
export const glob = z.string().superRefine((text, context) => {
  try {
    compileGlob(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

/** YAML reads an unquoted id as a number; both spellings are the id. */
export const numericId = z
  .union([z.number().int().positive(), z.string().regex(/^[1-9][0-9]*$/)], {
    error: "a numeric id, as GitHub's API shows it",
  })
  .transform(String);

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
const events = z.array(event).min(1).default(["push", "release", "workflow_dispatch"]);

const plainRef = glob.refine((text) => /^refs\/(tags|heads)\/./.test(text), {
  error: "refs/tags/… or refs/heads/…",
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
  /** May be left out where the policy names a preset of builders: then those. */
  workflow: workflow.optional(),
  "workflow-digest": z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, { error: "a commit of 40 or 64 hexadecimal digits" })
    .optional(),
  runner: z.enum(["github-hosted", "self-hosted", "any"]).default("github-hosted"),
  events,
  refs: z.array(ref).min(1).default(["refs/tags/**"]),
  server: serverUrl.optional(),
  issuer: z.url().optional(),
});

/** The default's own form (RULES R5): any repository of one owner, any workflow. Not offered to policy files (RULES R4). */
const githubOwner = github.omit({ repository: true, workflow: true, "repository-id": true }).extend({ owner: glob });

/** A repository by its whole URI, of a host that is spelled out. */
export const repositoryUri = glob
  .refine((text) => /^https:\/\/[a-z0-9.-]+(:[0-9]+)?(\/[^/@]+)+$/.test(text) && !text.endsWith(".git"), {
    error: "https://HOST/PATH as the certificate has it, without .git and without a slash at its end",
  })
  .refine((text) => !text.includes("*"), {
    error: "a wildcard source: write {repo} and use it in images, or list the pairs (RULES R4)",
  });

/** Where a pattern leaves the owner of a name open, whoever can have an account there may sign. */
export const signerName = glob.superRefine((text, context) => {
  const uri = /^https:\/\/([^/@]*)\/([^/@]*)/.exec(text);
  const address = /^[^/@]+@([^/@]+)$/.exec(text);
  const owner = uri === null ? [address?.[1] ?? text] : [uri[1] ?? "", uri[2] ?? ""];
  if (owner.some((part) => part === "" || /[*]/.test(part)) || /\{/.test(owner[0] ?? ""))
    context.addIssue({
      code: "custom",
      message:
        "https://HOST/OWNER/… or NAME@DOMAIN, with host and owner, or the domain, spelled out: anyone could be the signer",
    });
});

const identity = z.strictObject({
  issuer: z.url().refine((text) => !GITHUB_ISSUERS.test(text), {
    error: "GitHub's issuer: write github instead, which also holds source, event and runner",
  }),
  name: signerName,
  source: z
    .strictObject({
      repository: repositoryUri,
      "repository-id": numericId.optional(),
      "owner-id": numericId.optional(),
      refs: z.array(plainRef).min(1).default(["refs/tags/**"]),
      events,
      runner: z.string().min(1).optional(),
    })
    .optional(),
});

/** One public key, in the policy's own text. */
export const publicKeyPem = z.string().superRefine((text, context) => {
  try {
    fingerprintOf(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

const key = z.strictObject({
  pem: publicKeyPem,
  log: z.enum(["required", "optional"]).default("required"),
  source: repositoryUri.optional(),
});

const level = z.number().int().min(0).max(3);

/** Names are compared in their whole form, so a short one would match nothing; patterns with wildcards are taken as they are. */
export const imagePattern = glob.superRefine((text, context) => {
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

/** A `builder.id` with its host spelled out: a pattern that takes any says nothing. */
const builderId = glob.refine((text) => /^https?:\/\/[^*{}/]+\/./.test(text) && !text.includes("{"), {
  error: "https://HOST/PATH, with the host spelled out, and without {names}",
});

const images = z.array(imagePattern).min(1);
const grants = {
  level: level.optional(),
  builds: z.boolean().default(false),
  "builder-ids": z.array(builderId).min(1).optional(),
};

/** An entry of `trust.builders`: exactly one kind of signer. */
export const builderEntry = z
  .strictObject({ images, github: github.optional(), identity: identity.optional(), key: key.optional(), ...grants })
  .superRefine((entry, context) => {
    const given = [entry.github, entry.identity, entry.key].filter((each) => each !== undefined);
    if (given.length !== 1)
      context.addIssue({ code: "custom", message: "exactly one of github, identity and key says who signs" });
  });

/** An entry of the built-in default. */
export const defaultBuilderEntry = z.strictObject({ images, github: githubOwner, ...grants });

export type BuilderEntry = z.output<typeof builderEntry>;
export type DefaultBuilderEntry = z.output<typeof defaultBuilderEntry>;
