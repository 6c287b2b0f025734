import type {
  AnswerReader,
  AnswerWriter,
  AskedAnswers,
  InquiryStore,
  OwnerVerdicts,
  PrivateSources,
  PublishedImages,
} from "../answer/ports.ts";
import type { Repository } from "../build/build.ts";
import type {
  NoticeStore,
  PolicyStateStore,
  RepositoryStore,
  SightingStore,
  StaleBuilds,
  TagStore,
} from "../build/ports.ts";
import type { WriteSlots } from "../change/ports.ts";
import type { SeenPolicies } from "../change/pull-ports.ts";
import type { KnownImages } from "../trust/ports.ts";
import { createAnswers } from "./answers.ts";
import { type Builds, createBuilds } from "./builds.ts";
import { createClaims, PACE, type StorePace } from "./claims.ts";
import { CONTENT_BYTES, createKeptContent, type KeptContent } from "./content.ts";
import { type Cursors, createCursors } from "./cursors.ts";
import { type Database, openDatabase, type StoreAddress } from "./database.ts";
import { createDeliveries, type Deliveries } from "./deliveries.ts";
import { createAttempt, StoreError } from "./error.ts";
import { createForecasts, type Forecasts } from "./forecasts.ts";
import { createInquiries } from "./inquiries.ts";
import type { Serialise } from "./judgements.ts";
import { knownTo } from "./known-images.ts";
import { createLeases, type Leases } from "./leases.ts";
import { createLineages } from "./lineages.ts";
import { migrate } from "./migrations.ts";
import { createNotices } from "./notices.ts";
import { createOwnerVerdicts } from "./owner-verdicts.ts";
import { createPolicyStates } from "./policy-states.ts";
import { createPrivateSources } from "./private-sources.ts";
import { createProofs, type Proofs } from "./proofs.ts";
import { createProposals, type Proposals } from "./proposals.ts";
import { createPublishedImages } from "./published-images.ts";
import { createPulls, type Pulls } from "./pulls.ts";
import { type StoreLog, startQueue, type WorkKind } from "./queue.ts";
import { createRepositories } from "./repositories.ts";
import { createSightings } from "./sightings.ts";
import { createAskedAnswers } from "./stale-answers.ts";
import { createSummaries, type Summaries } from "./summaries.ts";
import { resume, sweep } from "./sweep.ts";
import { createTags } from "./tags.ts";
import { createTools } from "./transact.ts";
import { noteWake } from "./wakes.ts";
import { type Concurrency, startWorker, type Worker, type WorkHandlers } from "./worker.ts";
import { createWriteSlots } from "./write-pace.ts";

/** How long what runs may go on when the store is closed, in milliseconds. */
const CLOSE_MS = 5000;

/**
 * Everything that is kept: builds, tags, deliveries, repositories, and what there is to do.
 *
 * The tables say what there is to do; the queue only wakes workers up. A process that is killed loses nothing: after a restart (with
 * PostgreSQL, when its leases have lapsed) the next sweep finds whatever it left.
 */
export interface Store
  extends Builds,
    TagStore,
    PolicyStateStore,
    StaleBuilds,
    SightingStore,
    NoticeStore,
    WriteSlots,
    Deliveries,
    RepositoryStore,
    Cursors,
    Proofs,
    KeptContent,
    Summaries,
    Pulls,
    Forecasts,
    SeenPolicies,
    Proposals,
    AnswerReader,
    AnswerWriter,
    AskedAnswers,
    PublishedImages,
    OwnerVerdicts,
    InquiryStore,
    Pick<Leases, "withLease"> {
  /** There is something to do, now or by then at the latest; whoever works on it sees that it came. */
  wake(kind: WorkKind, id: string, at?: Date): Promise<void>;
  /** Works on what there is to do until the store is closed; returns once it has begun. What a handler throws is logged, and tried again. */
  work(handlers: WorkHandlers, options: Concurrency): Promise<void>;
  /** What is due and what nobody is at is put into the queue again. `work` does it at its start and each minute. */
  sweep(now: Date): Promise<void>;
  /** The images that builds had accepted, as far as those may know of them who read this repository. */
  knownTo(repository: Repository): KnownImages;
  /** Which answers are hidden since, by the repositories of this GitHub server. */
  privateSources(server: string): PrivateSources;
  /** Begins nothing new; what runs has some seconds to end. */
  close(): Promise<void>;
}

/** What the store needs beside its place. */
export interface StoreSettings {
  readonly serialise: Serialise;
  readonly log?: StoreLog;
  readonly pace?: StorePace;
  /** How much content of registries is kept, in bytes; 0 is none. */
  readonly contentBytes?: number;
}

/**
 * Opens the store, and brings its tables up to date.
 *
 * @throws {StoreError} `in-use`, `newer-schema`, `refused`, `unavailable`
 */
export async function openStore(address: StoreAddress, settings: StoreSettings): Promise<Store> {
  const { serialise, log: given = () => {}, pace = PACE, contentBytes = CONTENT_BYTES } = settings;
  let conceal = (text: string) => text;
  const log: StoreLog = (level, message, cause) => given(level, conceal(message), cause);
  const attempt = createAttempt((text) => conceal(text));
  const database = await attempt("open the database", () =>
    openDatabase(address, (error) => log("warn", `a connection to the database broke: ${error.message}`, error)),
  );
  conceal = database.conceal;
  try {
    return await storeOf(database, { serialise, log, pace, contentBytes });
  } catch (error) {
    await database.close().catch(() => {});
    throw error;
  }
}

async function storeOf(
  database: Database,
  { serialise, log, pace, contentBytes }: Required<StoreSettings>,
): Promise<Store> {
  const attempt = createAttempt(database.conceal);
  const tools = createTools(database.db, attempt);
  // Before the queue makes its tables: a newer program's are left as they are.
  await attempt(`prepare the tables in ${database.name}`, () => migrate(database.db));
  const queue = await attempt(`start the queue in ${database.name}`, () => startQueue(database.queue, attempt, log));
  try {
    await resume(tools, database.isOurs);
  } catch (error) {
    await queue.stop(0);
    throw error;
  }
  const lineages = createLineages();
  const leases = createLeases(createClaims(tools, queue, pace), pace.renewMs, log);
  let worker: Worker | undefined;
  let closed: Promise<void> | undefined;
  return {
    ...createBuilds(tools, lineages, serialise),
    ...createTags(tools, queue, lineages),
    ...createSightings(tools),
    ...createDeliveries(tools, queue),
    ...createRepositories(tools),
    ...createCursors(tools),
    ...createProofs(tools),
    ...createKeptContent(tools, contentBytes),
    ...createSummaries(tools),
    ...createProposals(tools),
    ...createPolicyStates(tools),
    ...createPulls(tools),
    ...createForecasts(tools),
    ...createNotices(tools),
    ...createAnswers(tools),
    ...createAskedAnswers(tools),
    ...createPublishedImages(tools),
    ...createOwnerVerdicts(tools),
    ...createInquiries(tools, queue),
    ...createWriteSlots(tools),
    withLease: leases.withLease,
    wake: (kind, id, at) => tools.transact(`wake ${kind} ${id}`, (tx) => noteWake(tx, queue, kind, [id], at)),
    async work(handlers, concurrency) {
      if (worker !== undefined) throw new StoreError("database", "this store has its workers already");
      worker = await startWorker(queue, leases, handlers, {
        ...concurrency,
        sweep: () => sweep(tools, queue, { pace, contentBytes }, new Date()),
        log,
      });
    },
    sweep: (now) => sweep(tools, queue, { pace, contentBytes }, now),
    knownTo: (repository) => knownTo(tools, repository),
    privateSources: (server) => createPrivateSources(tools, server),
    close() {
      closed ??= (async () => {
        leases.close();
        await Promise.all([worker?.stop(CLOSE_MS), queue.stop(CLOSE_MS)]);
        await attempt("close the database", database.close);
      })();
      return closed;
    },
  };
}
