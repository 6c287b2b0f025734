import type { Repository } from "../build/build.ts";
import type { ImageReference } from "../image/reference.ts";
import type { Inquiry } from "./inquiry.ts";
import type { AskedAnswers, InquiryStore } from "./ports.ts";

/** Most inquiries that wait for their answers: beyond that whoever asks is told to come again. */
export const MAX_OPEN_INQUIRIES = 1000;

/** So many are opened in one round for answers that are stale, and none where half of the room is taken: people come first. */
const STALE_AT_ONCE = 20;

/** What opening inquiries needs. */
export interface InquirePorts {
  readonly store: Pick<InquiryStore, "openInquiry" | "countOpenInquiries">;
  newId(): string;
  now(): Date;
}

/**
 * Has an image judged by the published policy.
 *
 * @param repository - Whose build made it, where one of ours did.
 */
export async function inquire(
  { store, newId, now }: InquirePorts,
  image: ImageReference,
  repository?: Repository,
): Promise<Inquiry | "busy"> {
  if ((await store.countOpenInquiries()) >= MAX_OPEN_INQUIRIES) return "busy";
  return store.openInquiry({
    id: newId(),
    image,
    repository,
    askedAt: now(),
    failures: 0,
    waiting: undefined,
    end: undefined,
  });
}

/** What finding stale answers needs. */
export interface RefreshPorts extends InquirePorts {
  readonly asked: Pick<AskedAnswers, "listStaleAnswers">;
  /** The digest of the policy that is published now. */
  readonly published: Parameters<AskedAnswers["listStaleAnswers"]>[0];
  /** A repository that the app is installed on, by its number. */
  readRepository(id: number): Promise<Repository | undefined>;
}

/** Has those answers judged anew that have lapsed, are by another policy, or are old; a bounded number in each round. @returns how many. */
export async function refreshStale(ports: RefreshPorts): Promise<number> {
  if ((await ports.store.countOpenInquiries()) >= MAX_OPEN_INQUIRIES / 2) return 0;
  const stale = await ports.asked.listStaleAnswers(ports.published, ports.now(), STALE_AT_ONCE);
  let opened = 0;
  for (const { image, audience } of stale) {
    const [id] = audience.kind === "readers" ? audience.repositoryIds : [];
    const { digest: _, ...tagged } = image;
    const repository = id === undefined ? undefined : await ports.readRepository(Number(id));
    if ((await inquire(ports, image.tag === undefined ? image : tagged, repository)) !== "busy") opened++;
  }
  return opened;
}
