import { CouldNotLook } from "../trust/ports.ts";
import type { AdvancePorts } from "./advance.ts";
import type { Build, Run } from "./build.ts";
import { on, type Step, save, settled } from "./step.ts";
import { report } from "./tell.ts";

/** How often the log of a failed run is asked for, beside the first time. */
const LOG_TRIES = 2;

/** Looks where the run is, and says so; the newest attempt counts. */
export async function followRun(ports: AdvancePorts, before: Build): Promise<Step> {
  const { repository, run: known } = before;
  if (known === undefined) throw new Error(`build ${before.id} has no run to follow`);
  const state = await ports.workflows.readRun(repository, known.id);
  if (state === undefined)
    return on(
      await save(
        ports,
        before,
        settled(ports, { kind: "build-failed", conclusion: "the run was deleted", log: undefined }),
      ),
    );
  const { id, attempt, url, status, since } = state;
  if (attempt < known.attempt)
    throw new CouldNotLook(
      "server-error",
      `asked GitHub for attempt ${known.attempt} of run ${id}: it told about attempt ${attempt}, which is over; try again later`,
    );
  const run = { id, attempt, url };
  if (status !== "completed") {
    const build = await save(ports, before, { run, runStatus: { status, since } });
    return {
      kind: "rest",
      build: await report(ports, build),
      until: new Date(ports.now().getTime() + ports.pace.pollMs),
    };
  }
  if (state.conclusion === "success")
    return on(await save(ports, before, { run, runStatus: undefined, phase: "verifying" }));
  if (state.conclusion === "cancelled")
    return on(await save(ports, before, { run, ...settled(ports, { kind: "cancelled" }) }));
  const conclusion = state.conclusion ?? "unknown";
  const log = await failureLog(ports, before, run);
  return on(await save(ports, before, { run, ...settled(ports, { kind: "build-failed", conclusion, log }) }));
}

/** A build that failed has failed, whether or not its log can be read. */
async function failureLog({ workflows, pace }: AdvancePorts, build: Build, run: Run): Promise<string | undefined> {
  try {
    return await workflows.readFailureLog(build.repository, run);
  } catch (error) {
    const tries = Math.min(LOG_TRIES, pace.retriesMs.length);
    if (error instanceof CouldNotLook && build.failures >= tries) return undefined;
    throw error;
  }
}
