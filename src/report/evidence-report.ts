import { z } from "zod";
import type { Digest } from "../image/digest.ts";
import type { Verdict } from "../trust/verdict.ts";
import { verdictDocument, verdictSchema } from "./json.ts";
import { printable, printableJson } from "./printable.ts";
import { resultDigest } from "./result-digest.ts";
import { type TextStyle, verdictText } from "./text.ts";

/** Whose trusted roots a verdict stands on: `known` are those in the file, and known here too. */
export type RootsOf = "known" | "file" | "here";

/** One image of a file of evidence, judged twice (RULES R34). */
export interface EvidenceAnswer {
  /** At the time of the export, by the policy in the file. */
  readonly atExport: { readonly verdict: Verdict; readonly roots: RootsOf };
  /** The digest of the result that the file tells. */
  readonly told: Digest;
  /** By what is known here: undefined where whoever asks has nothing of theirs to judge by. */
  readonly now: Verdict | undefined;
  /** What only whoever made the file says. */
  readonly words: readonly string[];
}

/** What is told of a file of evidence. */
export interface EvidenceReport {
  /** Of all that is in the file. */
  readonly evidence: Digest;
  readonly images: readonly EvidenceAnswer[];
}

const digest = z
  .string()
  .meta({ description: "the digest of the result: the same verdict has the same, wherever it was made" });

/** The form of `verify --evidence FILE --output json`. */
export const evidenceReportSchema = z.strictObject({
  version: z.literal(1),
  evidence: z.string().meta({ description: "the digest of all that is in the file" }),
  images: z.array(
    z.strictObject({
      atExport: z.strictObject({
        verdict: verdictSchema,
        result: digest,
        exported: z.string().meta({ description: "the digest of the result as the file tells it" }),
        roots: z.enum(["known", "file", "here"]).meta({
          description:
            "the trusted roots: known (in the file, and here too), file (only in the file, by --evidence-roots), here (those in the file aren't known)",
        }),
      }),
      now: z.strictObject({ verdict: verdictSchema, result: digest }).nullable().meta({
        description: "by the policy and trusted roots of whoever asks; null: they gave neither a policy nor a name",
      }),
      exportersWord: z.array(z.string()).meta({ description: "what can't be proven again; for people" }),
    }),
  ),
});

/** The report as JSON for programs. */
export function evidenceJson({ evidence, images }: EvidenceReport): string {
  const document: z.output<typeof evidenceReportSchema> = {
    version: 1,
    evidence,
    images: images.map(({ atExport, told, now, words }) => ({
      atExport: { ...documentOf(atExport.verdict), exported: told, roots: atExport.roots },
      now: now === undefined ? null : documentOf(now),
      exportersWord: [...words],
    })),
  };
  return printableJson(document);
}

/** The report for people: each image as it was then, and as far as is known now. */
export function evidenceText({ evidence, images }: EvidenceReport, style: TextStyle): string {
  return [`Evidence ${evidence}`, "", ...images.flatMap((answer) => [...answerLines(answer, style), ""])].join("\n");
}

function answerLines({ atExport, told, now, words }: EvidenceAnswer, style: TextStyle): readonly string[] {
  const { result } = documentOf(atExport.verdict);
  return [
    `As it was then, ${atExport.verdict.asOf.toISOString()}, by the policy in the file (${printable(atExport.verdict.policy.name)}):`,
    "",
    verdictText(atExport.verdict, style).trimEnd(),
    `  result  ${result} ${result === told ? "(as it was exported)" : `(DIFFERS from what the file tells: ${told})`}`,
    ...rootsLines(atExport.roots),
    "",
    ...(now === undefined
      ? ["As far as is known now: not judged, there is no policy of yours."]
      : [
          `As far as is known now, ${now.asOf.toISOString()}, by your policy (${printable(now.policy.name)}) and the trusted roots here:`,
          "",
          verdictText(now, style).trimEnd(),
          `  result  ${documentOf(now).result}`,
        ]),
    "",
    "Only whoever made the file says that",
    ...words.map((each) => `  - ${each}`),
  ];
}

function rootsLines(roots: RootsOf): readonly string[] {
  switch (roots) {
    case "known":
      return [];
    case "file":
      return ["  roots   those in the file, as --evidence-roots asks; they aren't known here"];
    case "here":
      return ["  roots   those here: the ones in the file aren't known (--evidence-roots judges this part by them)"];
  }
}

function documentOf(verdict: Verdict) {
  const document = verdictDocument(verdict);
  return { verdict: document, result: resultDigest(document) };
}
