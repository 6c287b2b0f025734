import type { AdvanceInquiryPorts } from "../../src/answer/advance-inquiry.ts";
import type { Answer } from "../../src/answer/answer.ts";
import type { Inquiry } from "../../src/answer/inquiry.ts";
import type { JudgedAnswer } from "../../src/answer/ports.ts";
import { parseBundle } from "../../src/attestation/bundle.ts";
import type { Repository } from "../../src/build/build.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { formatReference, type ImageReference, imageName, pin } from "../../src/image/reference.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { resultDigest } from "../../src/report/result-digest.ts";
import type { WalkPorts } from "../../src/trust/ancestry.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { AS_OF, type Built, policyOf, World } from "../trust/world.ts";

/** A registry, GitHub, and what is kept, in memory. */
export class InquiryWorld {
  readonly world = new World();
  readonly built: Built = this.world.build("app");
  now = new Date(AS_OF);
  resolves: "found" | "absent" | CouldNotLook = "found";
  /** Whether only readers are shown it. */
  isHidden = false;
  /** Repositories that everyone may read; `unknown` can't be asked. */
  visible: "public" | "private" | "unknown" = "public";
  inquiry: Inquiry;
  readonly saved: JudgedAnswer[] = [];
  readonly tags: string[] = [];
  /** With whose credentials walks were opened. */
  readonly opened: (Repository | undefined)[] = [];
  resolutions = 0;
  /** Digests whose attestations were asked for. */
  readonly listed: Digest[] = [];

  constructor(reference?: ImageReference, repository?: Repository) {
    const { digest: _, ...tagged } = { ...this.built.image, tag: "v1" };
    this.inquiry = {
      id: "inquiry-1",
      image: reference ?? tagged,
      repository,
      askedAt: this.now,
      failures: 0,
      waiting: undefined,
      end: undefined,
    };
  }

  ports(): AdvanceInquiryPorts {
    const policy = policyOf();
    return {
      published: { policy, bytes: Buffer.from("published"), isDefault: false },
      server: "https://github.com",
      visibility: {
        isPublic: async () => {
          if (this.visible === "unknown") throw new CouldNotLook("network", "GitHub doesn't answer");
          return this.visible === "public";
        },
      },
      openWalk: (_, readers) => {
        this.opened.push(readers);
        const { attestations, ...ports } = writable(this.world.ports());
        return {
          ...ports,
          attestations: {
            listAttestations: (image) => {
              this.listed.push(image.digest);
              return attestations.listAttestations(image);
            },
          },
          resolve: async (reference) => {
            this.resolutions++;
            if (this.resolves instanceof CouldNotLook) throw this.resolves;
            if (this.isHidden && readers === undefined) throw new CouldNotLook("credentials-refused", "401");
            return this.resolves === "found" ? pin(reference, this.built.image.digest) : undefined;
          },
          roots: [],
          dockerfiles: { readDockerfile: async () => Buffer.from("FROM scratch\n") },
          close: async () => {},
        };
      },
      serialise: (verdict) => {
        const document = verdictDocument(verdict);
        return { document, result: resultDigest(document) };
      },
      summarise: async () => [],
      newId: () => `answer-${this.saved.length + 1}`,
      now: () => this.now,
      inquiries: {
        readInquiry: async (id) => (id === this.inquiry.id ? this.inquiry : undefined),
        saveInquiry: async (inquiry) => {
          this.inquiry = inquiry;
        },
      },
      answers: {
        saveAnswer: async (judged) => void this.saved.push(judged),
        saveTag: async (name, tag, digest) => void this.tags.push(`${name}:${tag}@${digest}`),
        findHead: async (_, image) =>
          this.saved.find(({ answer }) => formatReference(answer.image) === formatReference(image))?.answer,
      },
    };
  }

  /** The answer that was kept last. */
  get answer(): Answer | undefined {
    return this.saved.at(-1)?.answer;
  }

  get tagged(): string {
    return `${imageName(this.built.image)}:v1@${this.built.image.digest}`;
  }
}

/** The world's ports, with bundles that have bytes: what is written down is read from them again. */
function writable(ports: WalkPorts): WalkPorts {
  const digests = new Map<Digest, Digest>();
  const bundleOf = (digest: Digest) => {
    const document = {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { publicKey: { hint: "test" } },
      dsseEnvelope: {
        payload: btoa(digest),
        payloadType: "application/vnd.in-toto+json",
        signatures: [{ sig: "AA==" }],
      },
    };
    const bundle = parseBundle(Buffer.from(JSON.stringify(document)));
    digests.set(bundle.digest, digest);
    return bundle;
  };
  return {
    ...ports,
    attestations: {
      listAttestations: async (image) => {
        const listing = await ports.attestations.listAttestations(image);
        const candidates = listing.candidates.map(({ where, read }) => ({
          where,
          read: async () => (await read()).map((item) => (item.kind === "bundle" ? bundleOf(item.digest) : item)),
        }));
        return { ...listing, candidates };
      },
    },
    verifier: {
      verifyBundle: (bundle, keys) =>
        ports.verifier.verifyBundle({ ...bundle, digest: digests.get(bundle.digest) ?? bundle.digest }, keys),
    },
  };
}

export const OTHER = digestOf(Buffer.from("another image"));
