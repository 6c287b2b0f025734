import type { Answer, AnswerHead, Told, Viewer } from "../answer/answer.ts";
import type { Digest } from "../image/digest.ts";
import { formatReference, pin } from "../image/reference.ts";
import { type VerdictDocument, verdictSchema } from "../report/json.ts";
import type { ApiPorts } from "./api-ports.ts";
import { namedImage } from "./asked-image.ts";
import { weightOf } from "./document-weight.ts";
import { linksFrom } from "./links.ts";
import { Problem } from "./problem.ts";

/** Something that may be told. */
export type Something = Exclude<Told, { kind: "nothing" }>;

/** @throws {Problem} `nothing`: for what is hidden and for what isn't there, the same. */
export function something(told: Told): Something {
  if (told.kind === "nothing") throw new Problem("nothing");
  return told;
}

/**
 * What is told of a digest. A verdict is one on a name too (RULES R1), and on a tag where it was asked for by one (R26): where there are
 * several and nothing says which, none is chosen.
 *
 * @param image - `?image=`: a name, or a name and a tag.
 * @throws {Problem} `nothing`, `several-names`, `malformed-reference`
 */
export async function toldOfDigest(
  { lookUp, publicUrl }: Pick<ApiPorts, "lookUp" | "publicUrl">,
  digest: Digest,
  image: string | undefined,
  viewer: Viewer,
): Promise<Something> {
  if (image !== undefined) {
    const named = namedImage(image);
    if (named.digest !== undefined && named.digest !== digest)
      throw new Problem("malformed-request", "?image= names another digest than the path");
    const told = something(await lookUp.byReference(pin(named, digest), viewer));
    if (told.kind === "answer" && told.head.image.digest !== digest)
      throw new Error(`asked for ${digest}, and told of ${told.head.image.digest}`);
    return told;
  }
  const found = (await lookUp.byDigest(digest, viewer)).filter((told) => told.kind !== "nothing");
  const names = new Set(found.map((told) => namesOf(told).name));
  // Asked for by digest alone, and judged so: nothing else was meant, as long as there is one name.
  const exact = found.length === 1 ? found : found.filter((told) => namesOf(told).tag === undefined);
  const [only] = exact;
  if (only !== undefined && names.size === 1) return only;
  if (found.length === 0) throw new Problem("nothing");
  const links = linksFrom(publicUrl);
  throw new Problem("several-names", undefined, {
    choices: found.map((told) => {
      const { reference } = namesOf(told);
      return { reference: formatReference(reference), url: links.verdict(pin(reference, digest)) };
    }),
  });
}

/** An answer with its verdict read. */
export interface ReadAnswer {
  readonly answer: Answer;
  readonly verdict: VerdictDocument;
  /** How large it is, in bytes, roughly. */
  readonly bytes: number;
}

/**
 * Reads the whole of what a line tells. A verdict that can't be read, or says something else than its line, is a fault of ours, and
 * told as one: never as the line has it.
 */
export async function readWhole({ answers }: Pick<ApiPorts, "answers">, head: AnswerHead): Promise<ReadAnswer> {
  const answer = await answers.readAnswer(head.id);
  // It was replaced between two questions.
  if (answer === undefined) throw new Problem("could-not-look", undefined, { headers: { "retry-after": "1" } });
  const verdict = verdictSchema.parse(answer.document);
  if (verdict.verdict !== head.outcome || answer.result !== head.result || verdict.policy.digest !== head.policy.digest)
    throw new Error(`the answer ${head.id} doesn't say what its line says`);
  return { answer, verdict, bytes: weightOf(answer.document) };
}

function namesOf(told: Something) {
  const reference = told.kind === "answer" ? told.head.image : told.reference;
  return { reference, name: `${reference.registry}/${reference.repository}`, tag: reference.tag };
}
