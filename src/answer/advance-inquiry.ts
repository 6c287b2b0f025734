import { imageName } from "../image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { Inquiry, InquiryEnd } from "./inquiry.ts";
import { type JudgedImage, type JudgeImagePorts, judgeImage } from "./judge-image.ts";
import type { AnswerReader, AnswerWriter, InquiryStore } from "./ports.ts";

/** How long is waited after each time that something could not be looked at, in milliseconds. */
export const PAUSES_MS: readonly number[] = [60_000, 5 * 60_000, 30 * 60_000];

/** What working on inquiries needs of the world. */
export interface AdvanceInquiryPorts extends JudgeImagePorts {
  readonly inquiries: Pick<InquiryStore, "readInquiry" | "saveInquiry">;
  readonly answers: AnswerWriter & Pick<AnswerReader, "findHead">;
}

/**
 * Works on an inquiry, as far as it goes now. What could not be looked at is tried again; only when that has failed three times is an
 * undetermined answer kept, or, of an image that could not even be named by a digest, that it couldn't be looked at.
 */
export async function advanceInquiry(ports: AdvanceInquiryPorts, id: string, signal: AbortSignal): Promise<void> {
  const inquiry = await ports.inquiries.readInquiry(id);
  const now = ports.now();
  if (inquiry === undefined || inquiry.end !== undefined) return;
  // Woken too early; its time is noted.
  if (inquiry.waiting !== undefined && inquiry.waiting.until > now) return;
  const told = await lookedAt(ports, inquiry, signal);
  // What the end of the program broke off says nothing.
  if (signal.aborted) return;
  if ("unseen" in told) return waitOrEnd(ports, inquiry, told.unseen);
  if (told.kind === "nothing") return end(ports, inquiry, { kind: "nothing", at: ports.now() });
  const { judged, verdict, seenAt } = told;
  const pause = PAUSES_MS[inquiry.failures];
  if (verdict.outcome === "undetermined" && pause !== undefined)
    return wait(ports, inquiry, verdict.unreachable[0]?.reason ?? "something could not be looked at", pause);
  const { image } = judged.answer;
  await ports.answers.saveAnswer(judged);
  if (seenAt !== undefined && image.tag !== undefined)
    await ports.answers.saveTag(imageName(image), image.tag, image.digest, seenAt);
  // A newer one may have been there already.
  const kept = await ports.answers.findHead(ports.published.policy.digest, image);
  await end(ports, inquiry, { kind: "answered", answer: kept?.id ?? judged.answer.id, at: ports.now() });
}

async function lookedAt(
  ports: AdvanceInquiryPorts,
  { image, repository }: Inquiry,
  signal: AbortSignal,
): Promise<JudgedImage | { readonly unseen: string }> {
  try {
    return await judgeImage(ports, image, { repository, signal });
  } catch (error) {
    if (!(error instanceof CouldNotLook || error instanceof BeyondLimit)) throw error;
    return { unseen: error.message };
  }
}

async function waitOrEnd(ports: AdvanceInquiryPorts, inquiry: Inquiry, reason: string): Promise<void> {
  const pause = PAUSES_MS[inquiry.failures];
  if (pause !== undefined) return wait(ports, inquiry, reason, pause);
  await end(ports, inquiry, { kind: "not-looked", reason, at: ports.now() });
}

async function wait(ports: AdvanceInquiryPorts, inquiry: Inquiry, reason: string, pause: number): Promise<void> {
  const until = new Date(ports.now().getTime() + pause);
  await ports.inquiries.saveInquiry({ ...inquiry, failures: inquiry.failures + 1, waiting: { reason, until } });
}

async function end(ports: AdvanceInquiryPorts, inquiry: Inquiry, ended: InquiryEnd): Promise<void> {
  await ports.inquiries.saveInquiry({ ...inquiry, waiting: undefined, end: ended });
}
