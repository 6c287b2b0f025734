import type { Answer, AnswerHead } from "../answer/answer.ts";
import { type ImageReference, ImageReferenceError, imageName, parseReference, pin } from "../image/reference.ts";
import { drawAncestry, type PageOf } from "../report/ancestry-picture.ts";
import { imagePage } from "../report/image-page.ts";
import type { VerdictDocument } from "../report/json.ts";
import type { Markup } from "../report/page-layout.ts";
import { pendingImagePage } from "../report/pending-image-page.ts";
import { policyUrl } from "../report/source-links.ts";
import { askedImage } from "./asked-image.ts";
import type { Route } from "./exchange.ts";
import { freshnessOf, NOT_KEPT } from "./freshness.ts";
import { linksFrom } from "./links.ts";
import { queriesOf } from "./operation.ts";
import { ownerMarks } from "./owner-marks.ts";
import type { PagePorts } from "./page-ports.ts";
import { pageResponse, tellOnPage } from "./page-response.ts";
import { pathForm } from "./path-form.ts";
import { NO_QUERIES } from "./queries.ts";
import { readWhole, something } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** As how many requests a page counts at least: it is laid out and drawn. */
const COST = 5;
/** How many verdicts of the past one page shows. */
const MAX_PAST = 20;
/** How many other repositories that build under a name one page shows. */
const MAX_CLAIMS = 10;
/** How many pictures are kept, by their answers. */
const MAX_PICTURES = 200;

/** Addresses on this server, from its root. */
const LINKS = linksFrom();

/** `GET /images/{reference}`: what is known of an image, for people. */
export function imagePages(ports: PagePorts): Route {
  const draw = keptPictures();
  return {
    method: "GET",
    match: pathForm("/images/{reference}"),
    maxBody: 0,
    cost: () => COST,
    tell: tellOnPage(ports.asking !== undefined),
    handle: async (request, [part = ""]) => {
      queriesOf(NO_QUERIES, request);
      const viewer = viewerOf(request.headers);
      const told = something(await ports.lookUp.byReference(askedImage(part), viewer));
      if (told.kind === "pending")
        return pageResponse(pendingImagePage(told.reference, told.reason, told.former), NOT_KEPT);
      const { head, resolvedAt } = told;
      const { page, read } = await judgedPage(ports, head, resolvedAt, draw);
      return { ...pageResponse(page, freshnessOf(viewer, [head], ports.now(), resolvedAt)), read };
    },
  };
}

type Draw = (answer: string, verdict: VerdictDocument) => Promise<Markup>;

async function judgedPage(
  ports: PagePorts,
  head: AnswerHead,
  resolvedAt: Date | undefined,
  draw: Draw,
): Promise<{ readonly page: string; readonly read: number }> {
  const { answer, verdict, bytes } = await readWhole(ports, head);
  const name = imageName(head.image);
  const { digest: _, ...digestless } = head.image;
  const [said, claims, past, summaries, picture] = await Promise.all([
    ports.owners.listOwnerVerdicts(name, head.image.digest),
    ports.owners.listClaims(name, MAX_CLAIMS),
    ports.answers.listPast(digestless.tag === undefined ? head.image : digestless, MAX_PAST),
    ports.answers.listAnswerSummaries(head.id),
    draw(head.id, verdict),
  ]);
  const { vsa, evidence } = LINKS.of(head.image);
  const [summary] = summaries.filter(({ platform }) => platform !== undefined);
  const page = imagePage({
    head,
    document: verdict,
    facts: answer.facts,
    resolvedAt,
    policyUrl: LINKS.policy(head.policy.digest),
    owners: ownerMarks(answer, said, ports.server).map(({ repository, verdict: outcome, asOf, policy }) => ({
      repository,
      outcome,
      asOf: new Date(asOf),
      policyUrl: policyUrl(policy),
    })),
    claims: unproven(answer, claims.named, ports.server),
    past,
    picture,
    places: {
      publicUrl: ports.publicUrl,
      policy: LINKS.policy(head.policy.digest),
      evidence: evidence ?? "",
      summary:
        summary === undefined
          ? undefined
          : {
              path: `${vsa}&platform=${encodeURIComponent(summary.platform ?? "")}`,
              digest: parseReference(summary.image).digest ?? head.image.digest,
            },
    },
    pageOfDigest: (digest) => LINKS.of(pin(head.image, digest)).page,
  });
  return { page, read: bytes };
}

/**
 * Those of whom no accepted statement on this image says that they are its source.
 *
 * @param server - The GitHub server whose repositories they are: the same name on another forge is another repository.
 */
function unproven({ facts }: Answer, named: readonly string[], server: string): readonly string[] {
  const proven = new Set(facts.sources.map(({ repository }) => repository.toLowerCase()));
  return named.filter((name) => !proven.has(`${server}/${name}`.toLowerCase()));
}

/**
 * The pictures of answers that were asked for lately. One takes Graphviz a while, in which nothing else is answered; an answer's never
 * changes, and what may be told of it was decided before.
 */
function keptPictures(): Draw {
  const kept = new Map<string, Promise<Markup>>();
  return (answer, verdict) => {
    const before = kept.get(answer);
    if (before !== undefined) return before;
    const [oldest] = kept.keys();
    if (kept.size >= MAX_PICTURES && oldest !== undefined) kept.delete(oldest);
    const drawn = drawAncestry(verdict, pageOf);
    kept.set(answer, drawn);
    drawn.catch(() => kept.delete(answer));
    return drawn;
  };
}

/** Where an image of an ancestry has its own page; names there are strangers', and may be none. */
const pageOf: PageOf = (reference) => {
  const image = readReference(reference);
  return image && LINKS.of(image).page;
};

function readReference(text: string): ImageReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}
