import { z } from "zod";
import { digestOf } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { formatReference, imageName } from "../image/reference.ts";
import type { Forecast, ForecastFault, ForecastParent } from "../trust/forecast.ts";
import type { Outcome } from "../trust/verdict.ts";
import { type VerdictDocument, verdictDocument, verdictSchema } from "./json.ts";

/** Largest verdict of one parent that is kept whole, in bytes of JSON. */
export const MAX_VERDICT_BYTES = 256 * 1024;
/** How much all verdicts of one forecast may take together, in bytes of JSON. */
export const MAX_VERDICTS_BYTES = 4 * 1024 * 1024;
/** How many lines are kept of one parent, and of one fault. */
export const MAX_USES = 100;
/** How many faults are kept one by one, and how much of what could not be looked at. */
export const MAX_FORECAST_FAULTS = 500;
/** Longest text of strangers that is kept, in UTF-16 units: a Dockerfile can write a megabyte where a name belongs. */
const MAX_TEXT = 4000;

const outcome = z.enum(["trusted", "untrusted", "undetermined"]);
const role = z.enum(["base", "input", "frontend"]);
const count = (description: string) => z.int().min(0).default(0).meta({ description });
const lines = z.strictObject({ line: z.int(), endLine: z.int() });

const use = z.strictObject({
  line: z.int().meta({ description: "from 1" }),
  endLine: z.int().meta({ description: "of the last line of the instruction" }),
  written: z.string().meta({ description: "as it stands in the file, variables and all" }),
  by: z.enum(["FROM", "COPY", "RUN", "syntax", "context", "ONBUILD"]),
  stage: z.string().nullable(),
  place: z
    .strictObject({ start: z.int(), end: z.int() })
    .nullable()
    .meta({ description: "where the reference stands in the file, in UTF-16 units; null where it isn't in one piece" }),
});

const parent = z.strictObject({
  reference: z.string().meta({ description: "as the file has it after expansion" }),
  name: z.string().meta({ description: "registry/repository" }),
  tag: z.string().nullable(),
  role,
  platform: z.string(),
  rule: z.enum(["attested", "pinned", "allow"]).meta({ description: "what policy asks of this role" }),
  pinned: z.boolean().meta({ description: "whether the file names it by digest" }),
  digest: z
    .string()
    .nullable()
    .meta({ description: "what the name leads to now; null where it could not be resolved" }),
  uses: z.array(use),
  usesLeftOut: count("how many more uses there are"),
  outcome: outcome
    .nullable()
    .meta({ description: "of its verdict; null where policy asks for none, or there is none" }),
  level: z.int().min(0).max(3).nullable(),
  verdict: z
    .int()
    .nullable()
    .meta({ description: "index into verdicts; null where there is none, or it was too large to keep" }),
  newer: z
    .strictObject({ digest: z.string(), outcome })
    .nullable()
    .default(null)
    .meta({ description: "of a pinned one: where its tag leads now, if elsewhere" }),
});

const fault = z.strictObject({
  code: z.string().meta({ description: "stable; for programs" }),
  key: z.string().meta({ description: "what it is known again by in another version of the file" }),
  grave: z.boolean().meta({ description: "whether it fails whatever is enforced" }),
  reason: z.string().meta({ description: "for people" }),
  mend: z.string().meta({ description: "what would mend it; for people" }),
  lines: z.array(lines),
  parent: z.int().nullable().meta({ description: "index into parents" }),
  path: z
    .array(z.strictObject({ reference: z.string(), role: z.enum(["base", "input", "frontend", "tool"]).nullable() }))
    .meta({ description: "from the parent to the ancestor whose fault it is; empty where it is the parent's own" }),
});

/** The form of a forecast as it is kept and printed. Fields may be added within a version, with a default for what was kept before. */
export const forecastSchema = z
  .strictObject({
    version: z.literal(1),
    forecast: outcome.meta({ description: "what the image would be; its own attestation is taken for granted" }),
    policy: z.strictObject({ name: z.string(), digest: z.string() }),
    asOf: z.iso.datetime(),
    level: z.int().min(0).max(3).nullable().meta({ description: "lowest SLSA build level of the parents" }),
    validUntil: z.iso.datetime().nullable(),
    parents: z.array(parent).meta({ description: "the images that would go in, in the order of the file" }),
    verdicts: z.array(verdictSchema).meta({ description: "several parents may share one" }),
    faults: z.array(fault),
    faultsLeftOut: count("how many more faults there are"),
    unreachable: z.array(fault),
    unreachableLeftOut: count("how much more there is that could not be looked at"),
  })
  .meta({
    title: "Forecast of Trusted Builds",
    description: "What an image would be if it were built from a Dockerfile now; never a verdict on an image.",
  });

/** A forecast as JSON for programs, bounded: what is left out is counted, and the outcome never rests on it. */
export type ForecastDocument = z.output<typeof forecastSchema>;
/** An image that would go in. */
export type ParentDocument = ForecastDocument["parents"][number];
/** Why the image would not be trusted, or what could not be looked at. */
export type ForecastFaultDocument = ForecastDocument["faults"][number];

/** Reads what this version or an older one wrote. @throws {z.ZodError} */
export function readForecastDocument(given: unknown): ForecastDocument {
  return forecastSchema.parse(given);
}

/** Writes a forecast in the form of {@link forecastSchema}. */
export function forecastDocument(forecast: Forecast): ForecastDocument {
  const { policy, parents, faults, unreachable } = forecast;
  const kept = keptVerdicts(parents);
  return {
    version: 1,
    forecast: forecast.outcome,
    policy: { name: policy.name, digest: policy.digest },
    asOf: forecast.asOf.toISOString(),
    level: forecast.level ?? null,
    validUntil: forecast.validUntil?.toISOString() ?? null,
    parents: parents.map((each, i) => parentDocument(each, kept.indexes[i] ?? null)),
    verdicts: kept.verdicts,
    faults: faults.slice(0, MAX_FORECAST_FAULTS).map((each) => faultDocument(each, parents)),
    faultsLeftOut: Math.max(0, faults.length - MAX_FORECAST_FAULTS),
    unreachable: unreachable.slice(0, MAX_FORECAST_FAULTS).map((each) => faultDocument(each, parents)),
    unreachableLeftOut: Math.max(0, unreachable.length - MAX_FORECAST_FAULTS),
  };
}

/** Each verdict once; where they don't all fit, those that say what is wrong come first. */
function keptVerdicts(parents: readonly ForecastParent[]): {
  readonly verdicts: VerdictDocument[];
  readonly indexes: readonly (number | undefined)[];
} {
  const texts = parents.map(({ verdict }) => {
    if (verdict === undefined) return undefined;
    const document = verdictDocument(verdict);
    return { document, text: JSON.stringify(document), order: WORST_FIRST.indexOf(verdict.outcome) };
  });
  const verdicts: VerdictDocument[] = [];
  const known = new Map<string, number>();
  let left = MAX_VERDICTS_BYTES;
  for (const { document, text } of texts.flatMap((each) => each ?? []).sort((a, b) => a.order - b.order)) {
    const size = Buffer.byteLength(text);
    if (known.has(text) || size > MAX_VERDICT_BYTES || size > left) continue;
    left -= size;
    known.set(text, verdicts.push(document) - 1);
  }
  return { verdicts, indexes: texts.map((each) => (each === undefined ? undefined : known.get(each.text))) };
}

const WORST_FIRST: readonly Outcome[] = ["untrusted", "undetermined", "trusted"];

function parentDocument(each: ForecastParent, verdict: number | null): ParentDocument {
  const { reference, uses, image, newer } = each;
  return {
    reference: formatReference(reference),
    name: imageName(reference),
    tag: reference.tag ?? null,
    role: each.role,
    platform: formatPlatform(each.platform),
    rule: each.rule,
    pinned: each.isPinned,
    digest: image?.digest ?? null,
    uses: uses.slice(0, MAX_USES).map(({ line, endLine, written, by, stage, place }) => ({
      line,
      endLine,
      written: bounded(written),
      by,
      stage: stage === undefined ? null : bounded(stage),
      place: place === undefined ? null : { start: place.start, end: place.end },
    })),
    usesLeftOut: Math.max(0, uses.length - MAX_USES),
    outcome: each.verdict?.outcome ?? null,
    level: each.verdict?.level ?? null,
    verdict,
    newer: newer === undefined ? null : { digest: newer.image.digest, outcome: newer.outcome },
  };
}

function faultDocument(given: ForecastFault, parents: readonly ForecastParent[]): ForecastFaultDocument {
  const { code, key, isGrave, reason, mend, parent: index, path } = given;
  const nodes = index === undefined ? [] : (parents[index]?.verdict?.nodes ?? []);
  return {
    code,
    // Cut, two could look the same.
    key: key.length <= MAX_TEXT ? key : digestOf(Buffer.from(key)),
    grave: isGrave,
    reason: bounded(reason),
    mend: bounded(mend),
    lines: given.lines.slice(0, MAX_USES).map(({ line, endLine }) => ({ line, endLine })),
    parent: index ?? null,
    // A path of one step is the parent itself.
    path: (path.length < 2 ? [] : path).map((step) => ({
      reference: bounded(nodes.find(({ id }) => id === step.node)?.reference ?? step.node),
      role: step.role ?? null,
    })),
  };
}

function bounded(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}
