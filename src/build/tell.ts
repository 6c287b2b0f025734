import { digestOf } from "../image/digest.ts";
import type { AdvancePorts } from "./advance.ts";
import { type Build, checkName, externalId } from "./build.ts";
import type { CheckRunReport } from "./ports.ts";
import { keep, on, type Step, save } from "./step.ts";

/** Opens the check run of this round, or finds the one that was opened when nobody lived to hear so. */
export async function openCheckRun(ports: AdvancePorts, before: Build): Promise<Step> {
  const { repository, key } = before;
  const check = { name: checkName(before), commit: key.commit, externalId: externalId(before) };
  if (before.attempted.checkRun !== undefined) {
    const known = await ports.checkRuns.find(repository, check);
    if (known !== undefined) return on(await save(ports, before, { checkRun: known }));
  }
  const report = await wordsOf(ports, before);
  const reported = hashOf(report);
  // If it is there although we never heard so, it may say all that there is to say.
  const attempted = { ...before.attempted, checkRun: ports.now(), report: reported };
  const build = await keep(ports, { ...before, attempted });
  const checkRun = await ports.checkRuns.create(repository, check, report);
  return on(await save(ports, build, { checkRun, reported }));
}

/** Completes the check run. From then on it isn't written again: what comes later has another. */
export async function tellOutcome(ports: AdvancePorts, before: Build): Promise<Step> {
  return on(await save(ports, await report(ports, before), { phase: "done" }));
}

/** Writes the check run, unless it says so already: each write counts against GitHub's limits, and shows. */
export async function report(ports: AdvancePorts, before: Build): Promise<Build> {
  const { checkRun, repository, attempted } = before;
  if (checkRun === undefined) return before;
  const wanted = await wordsOf(ports, before);
  const hash = hashOf(wanted);
  if (before.reported === hash) return before;
  let build = before;
  const isTold = attempted.report === hash && (await ports.checkRuns.says(repository, checkRun, wanted));
  if (!isTold) {
    build = { ...before, attempted: { ...attempted, report: hash } };
    await ports.store.saveBuild(build);
    await ports.checkRuns.update(repository, checkRun, wanted);
  }
  build = { ...build, reported: hash };
  await ports.store.saveBuild(build);
  return build;
}

/** The same outcome in the same words, however often it was tried to tell them: what kept us from it is no part of it. */
function wordsOf(ports: AdvancePorts, build: Build): Promise<CheckRunReport> {
  if (build.outcome === undefined) return ports.describe(build);
  const tries = build.outcome.kind === "undetermined" ? ports.pace.retriesMs.length + 1 : 0;
  return ports.describe({ ...build, failures: tries, waiting: undefined });
}

function hashOf(report: CheckRunReport): string {
  return digestOf(new TextEncoder().encode(JSON.stringify(report)));
}
