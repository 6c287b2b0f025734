import type { Config } from "./config.ts";
import { type Faces, openFaces } from "./faces.ts";
import { sendMissing, serveHealth } from "./http.ts";
import { openKept } from "./kept.ts";
import { answering, closed, listen } from "./listen.ts";
import { plainLog } from "./plain-log.ts";
import { readPublishedPolicy } from "./published-policy.ts";
import { openRootRefresh } from "./root-refresh.ts";
import { openOwnSummaries } from "./summaries.ts";

/** A server that answers those who ask, and has no app at GitHub: it builds nothing, and has nobody's rights but its operator's. */
export interface ServingAnswers {
  readonly url: string;
  readonly admissionUrl: string | undefined;
  close(): Promise<void>;
}

/** @throws {StoreError} @throws {ConfigError} */
export async function serveAnswers(config: Config): Promise<ServingAnswers> {
  const log = plainLog(process.stderr, config.logLevel);
  const now = () => new Date();
  const roots = await openRootRefresh(config, log, now);
  const published = readPublishedPolicy(config.policyFile, config.server);
  const nobody = async () => {
    throw new Error("a server without an app was asked for an installation");
  };
  const { store, walks } = await openKept(config, log, roots.current, nobody);
  let opened: Faces | undefined;
  try {
    const summaries = await openOwnSummaries(config, log);
    const faces = await openFaces(config, { store, walks, octokitFor: undefined, published, summaries, log, now });
    opened = faces;
    if (config.inquiries > 0)
      await store.work(
        { inquiry: faces.answers.advance },
        { concurrency: config.concurrency, inquiries: config.inquiries },
      );
    const http = answering(log, async (request, response) => {
      if (await faces.handle(request, response)) return;
      if (!(await serveHealth(faces, request, response))) sendMissing(response);
    });
    const url = await listen(http, config);
    roots.start();
    const rounds = faces.start();
    return {
      url,
      admissionUrl: faces.admissionUrl,
      close: async () => {
        await faces.close();
        await closed(http);
        await rounds.stop();
        await roots.stop();
        await store.close();
      },
    };
  } catch (error) {
    await opened?.close();
    await store.close();
    throw error;
  }
}
