import { CouldNotLook } from "../trust/ports.ts";
import type { AdvancePorts } from "./advance.ts";
import type { Build } from "./build.ts";
import { DispatchRefused } from "./ports.ts";
import { keep, on, type Step, save, settled } from "./step.ts";
import { commitNow } from "./verify.ts";

/** Starts the workflow, once: where it may have been started already, its run is looked for first. */
export async function dispatchRun(ports: AdvancePorts, before: Build): Promise<Step> {
  const { repository, key, request, attempted } = before;
  if (request === undefined) throw new Error(`build ${before.id} has nothing to dispatch`);
  const { workflow } = request;
  if (attempted.dispatch !== undefined) {
    const run = await ports.workflows.findRun(repository, workflow, before.id, attempted.dispatch);
    if (run !== undefined) return on(await save(ports, before, { run, phase: "dispatched" }));
    const listed = new Date(attempted.dispatch.getTime() + ports.pace.listingMs);
    if (ports.now() < listed) return { kind: "rest", build: before, until: listed };
    if (attempted.isDispatched) {
      throw new CouldNotLook(
        "server-error",
        `looked for the run that was started for build ${before.id}: GitHub doesn't list one whose title has that id; the workflow needs "run-name: Trusted build \${{ inputs.build-id }}"`,
      );
    }
  }
  const reason = (await overtaken(ports, before)) ?? (await missingWorkflow(ports, before, workflow));
  if (reason !== undefined) return on(await save(ports, before, settled(ports, { kind: "no-workflow", reason })));
  const build = await keep(ports, { ...before, attempted: { ...attempted, dispatch: ports.now() } });
  try {
    const run = await ports.workflows.dispatch(repository, workflow, key.ref, { id: build.id, request });
    const told = { ...build.attempted, isDispatched: true };
    return on(await save(ports, build, run === undefined ? { attempted: told } : { run, phase: "dispatched" }));
  } catch (error) {
    if (!(error instanceof DispatchRefused)) throw error;
    return on(await save(ports, build, settled(ports, { kind: "no-workflow", reason: error.message })));
  }
}

/** The run would build what the tag names now, under the tag of the image that the newer push builds. */
async function overtaken({ tags }: AdvancePorts, { repository, key }: Build): Promise<string | undefined> {
  const now = await commitNow(tags, repository, key.ref);
  if (now === key.commit) return undefined;
  return now === undefined
    ? `${key.ref} was deleted before its build was started; push it again`
    : `${key.ref} was moved from ${key.commit} to ${now} before its build was started; what it names now has a build of its own`;
}

/** GitHub wants the file in both places: the run is of the tag's file, and may be started because the default branch has one. */
async function missingWorkflow({ workflows }: AdvancePorts, build: Build, file: string): Promise<string | undefined> {
  const { repository, key } = build;
  const [atTag, onDefault] = await Promise.all([
    workflows.hasWorkflow(repository, file, key.ref),
    workflows.hasWorkflow(repository, file, "default-branch"),
  ]);
  if (atTag && onDefault) return undefined;
  const where = [...(atTag ? [] : [`at ${key.ref}`]), ...(onDefault ? [] : ["on the default branch"])].join(" and ");
  return `there is no .github/workflows/${file} ${where}: GitHub starts a workflow for a tag only if the tag and the default branch both have it; add it and push a new tag`;
}
