import type { AnswerHead, Viewer } from "../../src/answer/answer.ts";
import { createLookUp, type LookUpPorts } from "../../src/answer/look-up.ts";
import type { LookUp } from "../../src/answer/ports.ts";
import { createTagSightings } from "../../src/answer/tag-sightings.ts";
import { type Digest, parseDigest } from "../../src/image/digest.ts";
import { formatReference, imageName, parseReference, pin } from "../../src/image/reference.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";

export const NOW = new Date("2026-06-01T12:00:00Z");
export const PUBLISHED = digest("p");
export const ONE = digest("1");
export const TWO = digest("2");
export const ANYONE: Viewer = { kind: "anyone" };
export const MEMBER: Viewer = { kind: "token", token: "member" };
export const STRANGER: Viewer = { kind: "token", token: "stranger" };

export function digest(letter: string): Digest {
  return parseDigest(`sha256:${letter.charCodeAt(0).toString(16).repeat(32)}`);
}

/** An answer for everyone on `registry.example/acme/app:1`, unless told otherwise. */
export function headOf(more: Partial<AnswerHead> = {}): AnswerHead {
  return {
    id: "answer-1",
    image: pin(parseReference("registry.example/acme/app:1"), ONE),
    policy: { name: "published", digest: PUBLISHED },
    outcome: "trusted",
    level: 3,
    asOf: new Date(NOW.getTime() - 60_000),
    validUntil: undefined,
    result: digest("r"),
    audience: { kind: "everyone" },
    source: undefined,
    ...more,
  };
}

/** A world in which every question is written down. */
export class LookUpWorld {
  heads: AnswerHead[] = [];
  /** What tags were last seen to name. */
  readonly seen = new Map<string, { digest: Digest; seenAt: Date }>();
  /** What tags name by their registry. */
  registry: Digest | "unreachable" | undefined = ONE;
  readonly turnedPrivate = new Map<string, readonly string[]>();
  /** Repositories that `member` can read. */
  readonly readable = new Set<string>();
  gitHub: "up" | "down" = "up";
  now = NOW;
  /** The questions, without what they were about. */
  readonly asked: string[] = [];
  readonly questions: { ids: readonly string[]; question: string }[] = [];
  readonly anew: string[] = [];
  readonly noted: string[] = [];
  readonly lookUp: LookUp;

  constructor() {
    const note = (what: string) => this.asked.push(what);
    const ports: LookUpPorts = {
      answers: {
        readTag: async (name, tag) => {
          note("tag");
          return this.seen.get(`${name}:${tag}`);
        },
        findHead: async (published, image) => {
          note("head");
          const found = this.heads.filter((head) => formatReference(head.image) === formatReference(image));
          return found.find(({ policy }) => policy.digest === published) ?? found[0];
        },
        listHeads: async (published, of) => {
          note("heads");
          return this.heads.filter(({ image, policy }) => image.digest === of && policy.digest === published);
        },
      },
      asked: { noteAsked: async (id) => void this.noted.push(id) },
      privates: {
        listPrivateSources: async (ids) => {
          note(`private sources of ${ids.length}`);
          return new Map([...this.turnedPrivate].filter(([id]) => ids.includes(id)));
        },
      },
      readers: {
        mayRead: async (token, ids, question) => {
          note("readers");
          this.questions.push({ ids, question });
          if (this.gitHub === "down") throw new CouldNotLook("network", "GitHub doesn't answer");
          return token === "member" && ids.every((id) => this.readable.has(id));
        },
      },
      sightTag: createTagSightings({
        tags: {
          saveTag: async (name, tag, of, seenAt) => void this.seen.set(`${name}:${tag}`, { digest: of, seenAt }),
        },
        resolveTag: async () => {
          note("registry");
          if (this.registry === "unreachable") throw new CouldNotLook("network", "the registry doesn't answer");
          return this.registry;
        },
        now: () => this.now,
      }),
      published: PUBLISHED,
      judgeAnew: async (image) => void this.anew.push(formatReference(image)),
      now: () => this.now,
    };
    this.lookUp = createLookUp(ports);
  }

  /** Keeps an answer, and that its tag was seen to name it so long ago. */
  keep(head: AnswerHead, minutesAgo = 0): void {
    this.heads.push(head);
    const { tag, digest: seen } = head.image;
    if (tag !== undefined)
      this.seen.set(`${imageName(head.image)}:${tag}`, {
        digest: seen,
        seenAt: new Date(this.now.getTime() - minutesAgo * 60_000),
      });
  }

  ask(text: string, viewer: Viewer = ANYONE) {
    return this.lookUp.byReference(parseReference(text), viewer);
  }
}
