import { randomUUID } from "node:crypto";
import manifest from "../../package.json" with { type: "json" };
import { advanceInquiry } from "../answer/advance-inquiry.ts";
import type { AnswerHead } from "../answer/answer.ts";
import { inquire, refreshStale } from "../answer/inquire.ts";
import type { AnswerWalk, JudgeImagePorts } from "../answer/judge-image.ts";
import { createLookUp } from "../answer/look-up.ts";
import type { PublishedPolicy } from "../answer/published-policy.ts";
import { createTagSightings } from "../answer/tag-sightings.ts";
import type { PagePorts } from "../api/page-ports.ts";
import { writeEvidence } from "../archive/evidence-file.ts";
import type { Build, Repository } from "../build/build.ts";
import type { Clients } from "../github/ask.ts";
import { createGitHubClient } from "../github/client.ts";
import { createDockerfileReader } from "../github/dockerfile-text.ts";
import { createRepositoryReaders } from "../github/repository-readers.ts";
import { createRepositoryVisibility } from "../github/repository-visibility.ts";
import { type ImageReference, parseReference } from "../image/reference.ts";
import { verdictDocument } from "../report/json.ts";
import { resultDigest } from "../report/result-digest.ts";
import type { Store } from "../store/store.ts";
import type { ExportedEvidence } from "../trust/exported-evidence.ts";
import type { Config } from "./config.ts";
import type { Log } from "./jobs.ts";
import { keepPublishedPolicy, readKeptPolicy } from "./published-policy.ts";
import type { OwnSummaries } from "./summaries.ts";
import type { RootedWalk, Walks } from "./walk.ts";

/** How long a tag may take to be looked at while somebody waits, in milliseconds. */
const TAG_LOOK_MS = 5000;
/** Tags of one build that are asked about; whoever gives an image more finds the others by asking. */
const MAX_TAGS = 4;

/** What answers stand on. */
export interface AnswersBasis {
  readonly store: Store;
  readonly walks: Walks;
  /** Absent where no app is registered: then no installation's rights are there. */
  readonly octokitFor: Clients["octokitFor"] | undefined;
  readonly published: PublishedPolicy;
  readonly summaries: OwnSummaries | undefined;
  readonly log: Log;
  readonly now: () => Date;
}

/** What everyone is told of images, at work. */
export interface Answers {
  readonly api: PagePorts;
  /** The handler of the work kind `inquiry`. */
  readonly advance: (id: string, signal: AbortSignal) => Promise<void>;
  /** A build's verdict is stored: the image is judged by the published policy too. Never throws. */
  readonly afterVerdict: (build: Build) => Promise<void>;
  /** A round of looking for answers that are to be made anew. */
  readonly refresh: () => Promise<void>;
}

/** @param onAnswer - Told when an answer was saved by this process. */
export async function openAnswers(config: Config, basis: AnswersBasis, onAnswer: () => void): Promise<Answers> {
  const { store, walks, octokitFor, published, summaries, log, now } = basis;
  const { server, apiUrl, publicUrl } = config;
  const { digest } = published.policy;
  await keepPublishedPolicy(store, published);
  // Without an address nobody could read the policy that a summary names.
  const policyUri = publicUrl === undefined ? undefined : `${publicUrl}/v1/policies/${digest}`;
  const known = store.knownPublished();
  const anyone = async () => createGitHubClient(apiUrl, config.githubReadToken);
  const everyone = (signal?: AbortSignal) =>
    config.answersWithCredentials ? walks.forOperator(signal) : walks.forEveryone(signal);
  const openWalk: JudgeImagePorts["openWalk"] = (image, readers, signal): AnswerWalk => {
    const isInstalled = readers !== undefined && octokitFor !== undefined;
    const walk: RootedWalk = isInstalled ? walks.forRepository(readers, image, signal) : everyone(signal);
    const octokit = isInstalled ? () => octokitFor(readers.installation) : anyone;
    return { ...walk, known, dockerfiles: createDockerfileReader({ octokit, server }) };
  };
  const installed = async (id: string | undefined): Promise<Repository | undefined> =>
    id === undefined || !/^[1-9][0-9]{0,15}$/.test(id) ? undefined : store.readRepository(Number(id));
  const inquiring = { store, newId: randomUUID, now };
  const ask = (image: ImageReference, repository?: Repository) => inquire(inquiring, image, repository);
  const visibility = createRepositoryVisibility(
    { readIsPrivate: async (id) => (await installed(id))?.isPrivate },
    { apiUrl, token: config.githubReadToken, now },
  );
  const judging: JudgeImagePorts = {
    published,
    openWalk,
    visibility,
    server,
    serialise: (verdict) => {
      const document = verdictDocument(verdict);
      return { document, result: resultDigest(document) };
    },
    summarise: async (verdict) =>
      policyUri === undefined ? [] : (summaries?.summarisePublished(verdict, policyUri) ?? []),
    newId: randomUUID,
    now,
  };
  const readersOf = async ({ audience }: AnswerHead) =>
    audience.kind === "everyone" ? undefined : installed(audience.repositoryIds[0]);
  const privates = store.privateSources(server);
  const lookUp = createLookUp({
    answers: store,
    asked: store,
    privates,
    readers: createRepositoryReaders(apiUrl, now),
    sightTag: createTagSightings({
      tags: store,
      resolveTag: async (judged, head) => {
        const walk = openWalk(judged, await readersOf(head), AbortSignal.timeout(TAG_LOOK_MS));
        try {
          const { digest: _, ...tagged } = judged;
          return (await walk.resolve(tagged))?.digest;
        } finally {
          await walk.close();
        }
      },
      now,
    }),
    published: digest,
    judgeAnew: async (image, former) => {
      if (config.inquiries > 0) await ask(image, await readersOf(former));
    },
    now,
  });
  return {
    api: {
      lookUp,
      answers: store,
      published: digest,
      privates,
      owners: store,
      server,
      ...(config.inquiries > 0 && {
        asking: { ask: (image: ImageReference) => ask(image), readInquiry: (id: string) => store.readInquiry(id) },
      }),
      readPolicy: (asked) => readKeptPolicy(store, published, asked),
      packEvidence: ({ image, bytes }) => {
        const document: ExportedEvidence = { version: 1, program: manifest.version, images: [image] };
        return writeEvidence(Buffer.from(JSON.stringify(document)), bytes).bytes;
      },
      keys: summaries?.keys ?? [],
      version: manifest.version,
      publicUrl,
      now,
    },
    advance: async (id, signal) => {
      await advanceInquiry({ ...judging, inquiries: store, answers: store }, id, signal);
      onAnswer();
    },
    afterVerdict: async ({ request, repository, outcome, id }) => {
      if (request === undefined || outcome?.kind !== "verdict" || config.inquiries === 0) return;
      try {
        for (const tag of request.tags.slice(0, MAX_TAGS)) {
          const { digest: _, ...image } = parseReference(request.image);
          await ask({ ...image, tag }, repository);
        }
      } catch (error) {
        // The build's verdict is stored; whoever asks about the image has it judged then.
        log.error({ err: error, build: id }, "an image that was built could not be asked about");
      }
    },
    refresh: async () => {
      if (config.inquiries === 0) return;
      const asked = await refreshStale({
        ...inquiring,
        asked: store,
        published: digest,
        readRepository: (each) => store.readRepository(each),
      });
      if (asked > 0) log.info({ asked }, "answers are made anew that had lapsed or grown old");
    },
  };
}
