import { z } from "zod";
import { formatPlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import type { Explanation } from "../trust/policy-explain.ts";
import type { Verdict } from "../trust/verdict.ts";
import { verdictDocument } from "./json.ts";
import { markOfFinding, markOfOutcome, SHAPES } from "./marks.ts";
import { printable } from "./printable.ts";
import { shortReference } from "./short-reference.ts";
import { COLOURS, type TextStyle } from "./text.ts";
import { wholeProblems, wholeWords } from "./whole-problems.ts";

const MAX_LINE = 160;

/** For people: each image with the lines of the policy that decided on it, then the verdict. */
export function explanationText(explanations: readonly Explanation[], verdict: Verdict, { colour }: TextStyle): string {
  const paint = (text: string, code: keyof typeof COLOURS) =>
    colour ? `\u001b[${COLOURS[code]}m${text}\u001b[0m` : text;
  const { name } = verdict.policy;
  const mark = markOfOutcome(verdict.outcome);
  const ofTheWhole = wholeProblems(verdictDocument(verdict)).map(
    (each) => `  ${paint(`${SHAPES[each.mark]} ${wholeWords(each)}`, each.mark)}`,
  );
  const lines = explanations.flatMap((each) => {
    const { finding, reference, platform } = each.node;
    const kind = markOfFinding(finding);
    const of = platform === undefined ? "" : ` ${printable(formatPlatform(platform))}`;
    const code = "code" in finding ? ` (${printable(finding.code)})` : "";
    return [
      `${paint(`${SHAPES[kind]} ${finding.kind}`, kind)}${code}  ${paint(shortReference(reference), "bold")}${of}`,
      ...linesOf(each, name).map((line) => `    ${line}`),
      "",
    ];
  });
  return [
    ...lines,
    `${paint(`${SHAPES[mark]} ${verdict.outcome.toUpperCase()}`, mark)}  ${printable(formatReference(verdict.image))}`,
    ...ofTheWhole,
    `  policy  ${printable(name)} (${verdict.policy.digest})`,
    "",
  ].join("\n");
}

function linesOf({ node: { finding }, lines, missing }: Explanation, name: string): readonly string[] {
  const decided = lines.flatMap(({ path, at, effect }) => [
    at === undefined
      ? `${printable(name)}: ${printable(path)} isn't written, and its default holds`
      : `${printable(`${name}:${at.line}:${at.column}: ${cut(at.text)}`)}`,
    `  ${printable(path)} ${printable(effect)}`,
  ]);
  const because =
    lines.length > 0
      ? []
      : [`no line of the policy decided${"reason" in finding ? `: ${printable(finding.reason)}` : ""}`];
  const add =
    missing === undefined
      ? []
      : [`if you know what you would let in, a line in ${missing.under} changes it:`, `  ${printable(missing.line)}`];
  return [...decided, ...because, ...add];
}

function cut(text: string): string {
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}

/** The form of `policy explain --output json`. Fields may be added within a version; none changes its meaning. */
export const explanationSchema = z.strictObject({
  version: z.literal(1),
  verdict: z.enum(["trusted", "untrusted", "undetermined"]),
  image: z.string(),
  policy: z.strictObject({ name: z.string(), digest: z.string() }),
  nodes: z.array(
    z.strictObject({
      id: z.string(),
      reference: z.string(),
      platform: z.string().nullable(),
      finding: z.string(),
      code: z.string().nullable(),
      lines: z.array(
        z.strictObject({
          path: z.string(),
          line: z.int().nullable().meta({ description: "null: it isn't written, and its default holds" }),
          column: z.int().nullable(),
          text: z.string().nullable(),
          effect: z.string(),
        }),
      ),
      missing: z
        .strictObject({ under: z.string(), line: z.string() })
        .nullable()
        .meta({ description: "a line that would change it" }),
    }),
  ),
});

/** For programs. */
export function explanationDocument(
  explanations: readonly Explanation[],
  verdict: Verdict,
): z.output<typeof explanationSchema> {
  const { name, digest } = verdict.policy;
  return {
    version: 1,
    verdict: verdict.outcome,
    image: formatReference(verdict.image),
    policy: { name, digest },
    nodes: explanations.map(({ node, lines, missing }) => ({
      id: node.id,
      reference: node.reference,
      platform: node.platform === undefined ? null : formatPlatform(node.platform),
      finding: node.finding.kind,
      code: "code" in node.finding ? node.finding.code : null,
      lines: lines.map(({ path, at, effect }) => ({
        path,
        line: at?.line ?? null,
        column: at?.column ?? null,
        text: at?.text ?? null,
        effect,
      })),
      missing: missing === undefined ? null : { ...missing },
    })),
  };
}
