import type { Answer, AnswerHead, Told, Viewer } from "../../src/answer/answer.ts";
import { standingOf } from "../../src/answer/answer.ts";
import type { Inquiry } from "../../src/answer/inquiry.ts";
import type { AnswerEvidence, AnswerReader, AnswerSummary, LookUp, OwnerVerdict } from "../../src/answer/ports.ts";
import { CursorRefused } from "../../src/answer/ports.ts";
import type { PagePorts } from "../../src/api/page-ports.ts";
import { formatReference, type ImageReference, imageName } from "../../src/image/reference.ts";
import { headOf, NOW, PUBLISHED } from "./answers.ts";

/** Answers in memory, and who may read which repository. */
export class InMemory {
  readonly answers: Answer[] = [];
  /** By reference as it is asked: what isn't known now, and why. */
  readonly pending = new Map<string, string>();
  readonly owners: OwnerVerdict[] = [];
  /** Repositories that build under any name. */
  claims: { readonly named: readonly string[]; readonly hidden: number } = { named: [], hidden: 0 };
  /** By answer's id the repositories that turned private since. */
  readonly turned = new Map<string, readonly string[]>();
  readonly summaries = new Map<string, readonly AnswerSummary[]>();
  readonly evidence = new Map<string, AnswerEvidence>();
  readonly inquiries = new Map<string, Inquiry>();
  readonly asked: string[] = [];
  /** By token the repositories that it can read. */
  readonly readers = new Map<string, readonly string[]>();
  /** Every question, in order. */
  readonly looked: string[] = [];
  now = NOW;
  isBusy = false;
  fault: Error | undefined;

  readonly lookUp: LookUp = {
    byReference: async (reference, viewer) => {
      this.looked.push(formatReference(reference));
      if (this.fault !== undefined) throw this.fault;
      const reason = this.pending.get(formatReference(reference));
      const found = this.answers.find(({ image }) => isOf(image, reference));
      const head = found && this.#mayTell(found, viewer) ? headOf(found) : undefined;
      if (reason !== undefined) return { kind: "pending", reference, reason, former: head };
      return head === undefined ? { kind: "nothing" } : this.#told(head, reference.digest === undefined);
    },
    byDigest: async (digest, viewer) => {
      this.looked.push(digest);
      if (this.fault !== undefined) throw this.fault;
      return this.answers
        .filter((answer) => answer.image.digest === digest && this.#mayTell(answer, viewer))
        .map((answer) => this.#told(headOf(answer), false));
    },
  };

  readonly reader: AnswerReader = {
    readTag: async () => undefined,
    findHead: async () => undefined,
    listHeads: async () => [],
    readAnswer: async (id) => this.answers.find((answer) => answer.id === id),
    listPast: async (image, limit) =>
      this.#everyones()
        .filter(({ image: each }) => imageName(each) === imageName(image) && each.tag === image.tag)
        .slice(0, limit)
        .map(({ image: { digest }, policy, outcome, level, asOf, result }) => ({
          digest,
          policy: policy.digest,
          outcome,
          level,
          asOf,
          result,
          faults: outcome === "untrusted" ? ["unattested"] : [],
        })),
    listDescendants: async (_published, _digest, limit, after) => this.#page(this.#everyones(), limit, after),
    search: async (_published, { text = "", outcome }, limit, after) =>
      this.#page(
        this.#everyones().filter(
          (each) => imageName(each.image).includes(text.toLowerCase()) && (outcome ?? each.outcome) === each.outcome,
        ),
        limit,
        after,
      ),
    listAnswerSummaries: async (id) => this.summaries.get(id) ?? [],
    readAnswerEvidence: async (id) => this.evidence.get(id),
  };

  ports(given: Partial<PagePorts> = {}): PagePorts {
    return {
      lookUp: this.lookUp,
      answers: this.reader,
      published: PUBLISHED,
      privates: {
        listPrivateSources: async (ids) => new Map([...this.turned].filter(([id]) => ids.includes(id))),
      },
      owners: { listOwnerVerdicts: async () => this.owners, listClaims: async () => this.claims },
      asking: {
        ask: async (image) => {
          this.asked.push(formatReference(image));
          if (this.isBusy) return "busy";
          const inquiry: Inquiry = {
            id: `inquiry-${this.asked.length}`,
            image,
            repository: undefined,
            askedAt: this.now,
            failures: 0,
            waiting: undefined,
            end: undefined,
          };
          this.inquiries.set(inquiry.id, inquiry);
          return inquiry;
        },
        readInquiry: async (id) => this.inquiries.get(id),
      },
      readPolicy: async (digest) =>
        digest === PUBLISHED ? { bytes: Buffer.from("version: 1\n"), type: "application/yaml" } : undefined,
      packEvidence: ({ image }) => Buffer.from(JSON.stringify(image)),
      keys: [{ keyid: "a key" }],
      version: "0.0.0",
      server: "https://github.com",
      publicUrl: "https://builds.example",
      now: () => this.now,
      ...given,
    };
  }

  #everyones(): readonly AnswerHead[] {
    return this.answers.filter(({ audience }) => audience.kind === "everyone").map(headOf);
  }

  #page(heads: readonly AnswerHead[], limit: number, after = "0") {
    if (!/^[0-9]+$/.test(after)) throw new CursorRefused();
    const from = Number(after);
    const next = from + limit < heads.length ? String(from + limit) : undefined;
    return { entries: heads.slice(from, from + limit), next };
  }

  #mayTell({ audience }: AnswerHead, viewer: Viewer): boolean {
    if (audience.kind === "everyone") return true;
    const may = viewer.kind === "token" ? (this.readers.get(viewer.token) ?? []) : [];
    return audience.repositoryIds.every((id) => may.includes(id));
  }

  /** @param isByTag - Whether it was asked for by its tag alone: only then is it looked at. */
  #told(head: AnswerHead, isByTag: boolean): Told {
    const { kind } = standingOf(head, PUBLISHED, this.now);
    if (kind !== "current") return { kind: "pending", reference: head.image, reason: kind, former: head };
    return { kind: "answer", head, ...(isByTag && { resolvedAt: this.now }) };
  }
}

function isOf(image: ImageReference, asked: ImageReference): boolean {
  return (
    imageName(image) === imageName(asked) &&
    (asked.digest === undefined || image.digest === asked.digest) &&
    image.tag === asked.tag
  );
}
