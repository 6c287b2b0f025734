import type { CheckRuns, OpenWalk } from "../build/ports.ts";
import { createForesee } from "../change/foresee.ts";
import { advancePull } from "../change/pull-advance.ts";
import type { PullJob } from "../change/pull-check.ts";
import { readPullHappening } from "../change/pull-happening.ts";
import type { PullPorts } from "../change/pull-ports.ts";
import { type PullReconcilePorts, type PullRespondPorts, respondPull, stalePulls } from "../change/pull-respond.ts";
import type { Clients } from "../github/ask.ts";
import { createCommitWriter } from "../github/commits.ts";
import { createOpenPulls } from "../github/open-pulls.ts";
import { createPermissions } from "../github/permissions.ts";
import { createPullRequestWriter } from "../github/pull-request-writer.ts";
import { createPullRequestReader } from "../github/pull-requests.ts";
import { createPullReviews } from "../github/pull-reviews.ts";
import { createSourceReader } from "../github/source-files.ts";
import { type ForecastDocument, forecastDocument, readForecastDocument } from "../report/forecast-json.ts";
import { pullPage } from "../report/pull-page.ts";
import { pullReport } from "../report/pull-report.ts";
import type { Store } from "../store/store.ts";
import type { Config } from "./config.ts";
import { judgedPins } from "./pull-pins.ts";

/** What is done about pull requests. */
export interface PullWork {
  /** Answers a delivery, as far as it tells of pull requests; once, however often it is told. @throws {DeliveryError} @throws {CouldNotLook} */
  respond(event: string, payload: unknown, receivedAt: Date): Promise<void>;
  /** Wakes those whose policy is another now, or for which something has lapsed. */
  wakeStale(): Promise<readonly string[]>;
  /** Moves a check on, and sees to it that someone does again when there is more to do. */
  advance(id: string): Promise<void>;
  /** Whether a person may push a button. */
  readonly mayWrite: PullRespondPorts["permissions"]["mayWrite"];
  readonly openPulls: PullReconcilePorts["openPulls"];
}

/** @param basis - What builds stand on too. */
export function createPullWork(
  { server, publicUrl, retriesMs }: Pick<Config, "server" | "publicUrl" | "retriesMs">,
  clients: Clients,
  basis: {
    readonly store: Store;
    readonly policies: PullPorts["policies"];
    readonly checkRuns: CheckRuns;
    readonly openWalk: OpenWalk;
    readonly now: () => Date;
    readonly newId: () => string;
  },
): PullWork {
  const { store, openWalk, now, newId } = basis;
  const permissions = createPermissions(clients);
  const wake = (id: string) => store.wake("pull", id);
  const writing = { octokitFor: clients.octokitFor, slots: store, now };
  const ports: PullPorts = {
    ...basis,
    server,
    pulls: createPullRequestReader(clients),
    sources: createSourceReader(clients),
    foresee: createForesee({ openWalk, documentOf: forecastDocument, now }),
    describePull: async (check) =>
      pullReport(check, await documentsOf(store, check), {
        server,
        // A private repository's checks have no page: whoever may see them is told by GitHub.
        ...(publicUrl !== undefined && !check.repository.isPrivate && { page: `${publicUrl}/pulls/${check.id}` }),
      }),
    wakePull: wake,
    pins: {
      permissions,
      commits: createCommitWriter(writing),
      writer: createPullRequestWriter(writing),
      reviews: createPullReviews(clients),
      judgedPins: async (check) => judgedPins(check, await documentsOf(store, check)),
    },
    pace: { retriesMs },
  };
  const respondPorts: PullRespondPorts = { store, permissions, now, newId };
  return {
    async respond(event, payload, receivedAt) {
      const happening = readPullHappening(event, payload);
      if (happening === undefined) return;
      for (const id of await respondPull(respondPorts, happening, receivedAt)) await wake(id);
    },
    async wakeStale() {
      const ids = await stalePulls(respondPorts);
      for (const id of ids) await wake(id);
      return ids;
    },
    async advance(id) {
      const again = await advancePull(ports, id);
      if (again !== undefined) await store.wake("pull", id, again);
    },
    mayWrite: permissions.mayWrite,
    openPulls: createOpenPulls(clients),
  };
}

/** The documents of a check's forecasts. */
export async function documentsOf(
  store: Pick<Store, "readForecastDocuments">,
  { outcome, repository }: PullJob,
): Promise<ReadonlyMap<string, ForecastDocument>> {
  const files = outcome?.kind === "judged" ? outcome.files : [];
  const keys = files
    .flatMap(({ before, after }) => [before, after])
    .flatMap((state) => (state.kind === "judged" ? state.forecasts.map(({ key }) => key) : []));
  const found = await store.readForecastDocuments(repository.installation, [...new Set(keys)]);
  return new Map([...found].map(([key, document]) => [key, readForecastDocument(document)]));
}

/** The page of a check; undefined where there is none. A private repository's and none at all look the same (DESIGN §6). */
export async function readPullPage(
  store: Pick<Store, "readPullCheck" | "readForecastDocuments">,
  server: string,
  id: string,
): Promise<string | undefined> {
  const check = await store.readPullCheck(id);
  if (check === undefined || check.repository.isPrivate) return undefined;
  return pullPage(check, await documentsOf(store, check), { server });
}
