import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { apiRoutes } from "../api/api-routes.ts";
import { clientsBehind } from "../api/client-address.ts";
import { createApi } from "../api/create-api.ts";
import { pageRoutes } from "../api/page-routes.ts";
import { type AdmissionListener, openAdmission } from "./admission-server.ts";
import { type Answers, type AnswersBasis, openAnswers } from "./answers.ts";
import type { Config } from "./config.ts";
import { type Reconciler, repeat } from "./reconciler.ts";

/** What those who ask about images meet: the API, the pages, and a cluster's webhooks. */
export interface Faces {
  readonly answers: Answers;
  /** @returns false for an address of no concern here. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  /** To be called when something becomes visible to others than before: what is ready to be sent to everyone is dropped. */
  readonly forget: () => void;
  readonly isReady: () => Promise<boolean>;
  readonly admissionUrl: string | undefined;
  /** Begins to look for what has grown old, and for summaries that aren't finished. */
  start(): Reconciler;
  /** Closes the cluster's port. */
  close(): Promise<void>;
}

/** @throws {ConfigError} for what a cluster's port needs and hasn't. */
export async function openFaces(config: Config, basis: AnswersBasis): Promise<Faces> {
  const { store, summaries, published, walks, log, now } = basis;
  let forget = () => {};
  const answers = await openAnswers(config, basis, () => forget());
  const api = createApi({
    routes: [...apiRoutes(answers.api), ...pageRoutes(answers.api)],
    clientOf: clientsBehind(config.trustedProxies),
    newId: randomUUID,
    now,
    onFault: (error, requestId) => log.error({ err: error, requestId }, "a request ended in a fault of the program"),
  });
  forget = api.forget;
  const isReady = () =>
    store.readCursor("ready").then(
      () => true,
      () => false,
    );
  const admission: AdmissionListener | undefined =
    config.admission === undefined
      ? undefined
      : await openAdmission(config.admission, {
          policy: () => published.policy,
          openWalk: () => ({ ...walks.forOperator(), known: store.knownPublished() }),
          answers: store,
          publicUrl: config.publicUrl,
          isReady,
          log,
          now,
        });
  return {
    answers,
    handle: api.handle,
    forget: api.forget,
    isReady,
    admissionUrl: admission?.url,
    close: async () => admission?.close(),
    start: () => {
      const finishing = repeat(config.pollMs, async () => summaries?.finish(store, now()), log);
      const refreshing = repeat(config.reconcileMs, answers.refresh, log);
      return {
        stop: async () => {
          await finishing.stop();
          await refreshing.stop();
        },
      };
    },
  };
}
