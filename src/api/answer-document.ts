import type { Viewer } from "../answer/answer.ts";
import { imageName } from "../image/reference.ts";
import type { VerdictDocument } from "../report/json.ts";
import { type AnswerDocument, judgedDocument, pendingDocument } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import { type Freshness, freshnessOf, NOT_KEPT } from "./freshness.ts";
import { linksFrom } from "./links.ts";
import { ownerMarks } from "./owner-marks.ts";
import { readWhole, type Something } from "./told-answer.ts";

/** What is told of an image, written down. */
export interface Written {
  readonly document: AnswerDocument;
  /** The whole verdict; undefined where it isn't known now. */
  readonly verdict: VerdictDocument | undefined;
  readonly freshness: Freshness;
  /** How much was read for it, in bytes. */
  readonly read: number;
}

/** Writes down what is told, with its faults and with what owners say. */
export async function writeAnswer(ports: ApiPorts, told: Something, viewer: Viewer): Promise<Written> {
  const links = linksFrom(ports.publicUrl);
  if (told.kind === "pending")
    return { document: pendingDocument(told, links), verdict: undefined, freshness: NOT_KEPT, read: 0 };
  const { head } = told;
  const { answer, verdict, bytes } = await readWhole(ports, head);
  const said = await ports.owners.listOwnerVerdicts(imageName(head.image), head.image.digest);
  const marks = ownerMarks(answer, said, ports.server);
  return {
    document: judgedDocument(told, verdict, marks, links),
    verdict,
    freshness: freshnessOf(viewer, [head], ports.now(), told.resolvedAt),
    read: bytes,
  };
}
