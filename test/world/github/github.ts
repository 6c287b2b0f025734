import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryIdOf } from "../chain.ts";
import { type Ref, readRefs, resolveCommit } from "../git-objects.ts";
import {
  type CommitOptions,
  commitFiles,
  type Files,
  git,
  initRepository,
  REPOSITORY_NAME,
} from "../git-repository.ts";
import { appEndpoints } from "./app.ts";
import { attestationEndpoints } from "./attestations.ts";
import { type CheckRun, checkRunEndpoints } from "./check-runs.ts";
import { contentEndpoints } from "./contents.ts";
import { Deliveries, type Delivery, type Interference } from "./deliveries.ts";
import { type Fault, Faults } from "./faults.ts";
import { hookDeliveryEndpoints } from "./hook-deliveries.ts";
import { type JobHandler, Jobs } from "./jobs.ts";
import { listen, stop } from "./listen.ts";
import { type ActionsRun, cancel, rerun, runEndpoints } from "./runs.ts";
import { createGithubServer, type LoggedRequest } from "./server.ts";
import {
  covers,
  createState,
  directoryOf,
  type Installation,
  installationOf,
  type Owner,
  type Repository,
  repositoryNamed,
  type State,
  type StateOptions,
} from "./state.ts";
import { Storage } from "./storage.ts";
import {
  checkRunPayload,
  installationPayload,
  installationRepositoriesPayload,
  NOTHING,
  type Push,
  pushPayload,
  refPayload,
  runPayload,
} from "./webhooks.ts";
import { workflowEndpoints } from "./workflows.ts";

/** How this GitHub differs from its defaults. */
export interface GithubOptions extends StateOptions {
  /** Default: a free one. */
  readonly port?: number;
}

/** What a repository is; everything has a default. */
export interface RepositoryOptions {
  /** Committed on main. A repository without files has no commit. */
  readonly files?: Files;
  readonly private?: boolean;
  readonly archived?: boolean;
  /** Whether main takes changes by reviewed pull request only; a number is that of the reviews. */
  readonly protected?: boolean | number;
  /** Default: `repositoryIdOf` of the name without its owner. */
  readonly id?: number;
  /** Whether an installation on selected repositories has this one. Default true. */
  readonly selected?: boolean;
}

/** What an owner is; everything has a default. */
export interface OwnerOptions {
  readonly type?: "User" | "Organization";
  /** Default 77 for the first owner, and one more for each further one. */
  readonly id?: number;
  /** Which repositories the app gets. Default all; false: it isn't installed. */
  readonly installation?: "all" | "selected" | false;
}

/** How a tag is made. */
export interface TagOptions {
  /** Default: the head of main. */
  readonly commit?: string;
  readonly annotated?: boolean;
  /** Whether a tag that is there already may be moved. */
  readonly force?: boolean;
}

/** GitHub as the app and the action know it, and what people do there. */
export interface Github {
  /** Plays https://github.com: pages, and git. */
  readonly url: string;
  /** Plays https://api.github.com; `GITHUB_API_URL`. */
  readonly apiUrl: string;
  readonly app: { readonly id: number; readonly privateKey: string; readonly webhookSecret: string };
  /** Where the app listens for webhooks; undefined: nowhere, and none is sent. */
  deliverTo(url: string | undefined): void;
  /** Makes an owner. Where the app is installed, `installation` created is delivered. */
  owner(login: string, options?: OwnerOptions): Promise<Owner>;
  /** Makes a repository without a webhook; its owner too if there is none. @returns the head of main, "" without files. */
  repository(name: string, options?: RepositoryOptions): Promise<string>;
  /** Deletes it; another of the same name can have another id. */
  removeRepository(name: string): Promise<void>;
  /** Changes what can be changed of a repository. */
  change(name: string, changes: Partial<Pick<RepositoryOptions, "private" | "archived" | "protected">>): void;
  /** The app on an owner's account, to change it: `suspendedAt`, `permissions`, `selection`, `selected`. */
  installation(login: string): Installation;
  /** Takes the app off an owner's account. */
  uninstall(login: string): Promise<void>;
  /** Gives a repository to an installation on selected ones, or takes it away. */
  select(name: string, selected: boolean): Promise<void>;
  /** Commits on main and pushes it: files are added and replaced, and the others stay. @returns the commit. */
  commit(name: string, files: Files, options?: Pick<CommitOptions, "message" | "remove" | "symlinks">): Promise<string>;
  /** Pushes one tag; resolves when the webhooks are answered, lost or held. @returns what the ref names. */
  tag(name: string, tag: string, options?: TagOptions): Promise<string>;
  /** Pushes several at once: of more than three GitHub tells nobody. */
  pushTags(name: string, tags: readonly string[], options?: TagOptions): Promise<void>;
  deleteTag(name: string, tag: string): Promise<void>;
  /** What git says of a repository. */
  refs(name: string): Promise<readonly Ref[]>;
  /** The app's own, oldest first. */
  checkRuns(name: string, commit?: string): readonly CheckRun[];
  runs(name: string): readonly ActionsRun[];
  /** By hand, as a person does it. */
  cancelRun(name: string, run: number): void;
  rerunRun(name: string, run: number): void;
  /** A person presses "Re-run" on a check run; GitHub changes nothing, and tells the app. */
  rerequest(checkRun: number): Promise<void>;
  /** The bundles that were stored about a repository. */
  attestations(name: string): readonly { readonly bundle: unknown; readonly subjects: readonly string[] }[];
  /** Every try to deliver a webhook, oldest first. */
  readonly deliveries: readonly Delivery[];
  /** What happens to webhooks from now on. */
  interfere(what: Interference): void;
  /** Delivers what was held. */
  release(options?: { readonly reverse?: boolean }): Promise<void>;
  /** A person presses "Redeliver". */
  redeliver(guid: string): Promise<void>;
  /** Makes requests to the API fail. */
  fail(fault: Fault): void;
  /** Ends all faults and interference. */
  heal(): void;
  /** Every request to the API, oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** What didn't fit GitHub's description. Tests assert that it is empty. */
  readonly violations: readonly string[];
  /** Takes dispatched runs, those that wait already too. Undefined: they wait. */
  onDispatch(handler: JobHandler | undefined): void;
  /** Until no job runs and no webhook is on its way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const FIRST_OWNER_ID = 77;
/** Of more tags in one push GitHub sends no webhooks. */
const TOLD_TAGS = 3;

/** Starts one on loopback ports, in this process. */
export async function startGithub({ port = 0, ...options }: GithubOptions = {}): Promise<Github> {
  const root = mkdtempSync(join(tmpdir(), "github-"));
  const state = createState(root, options);
  const deliveries = new Deliveries(state);
  const storage = new Storage(state.violations);
  const faults = new Faults();
  const requests: LoggedRequest[] = [];
  const pending = new Set<Promise<unknown>>();
  const later = (work: Promise<unknown>) => {
    const done = work
      .catch((error: Error) => state.violations.push(String(error.stack)))
      .finally(() => pending.delete(done));
    pending.add(done);
  };

  const deliver = async (event: string, repository: Repository, payload: object) => {
    const installation = installationOf(state, repository);
    if (!hears(state, installation, event)) return;
    await deliveries.deliver(event, payload as never, { installationId: installation.id, repositoryId: repository.id });
  };
  const checkRunChanged = (repository: Repository, checkRun: CheckRun, action: "created" | "completed") =>
    later(deliver("check_run", repository, checkRunPayload(state, repository, checkRun, action)));
  const jobs = new Jobs(state, {
    runChanged: (repository, run, action) =>
      later(runPayload(state, repository, run, action).then((each) => deliver("workflow_run", repository, each))),
  });
  const server = createGithubServer(
    state,
    {
      ...appEndpoints(state),
      ...contentEndpoints(state),
      ...checkRunEndpoints(state, { checkRunChanged }),
      ...workflowEndpoints(state, jobs),
      ...runEndpoints(state, jobs, storage),
      ...attestationEndpoints(state, storage),
      ...hookDeliveryEndpoints(state, deliveries),
    },
    faults,
    requests,
  );
  await storage.start();
  state.storageUrl = storage.url;
  state.url = await listen(server, port);
  state.apiUrl = `${state.url}/api/v3`;

  const named = (name: string) => repositoryNamed(state, name);
  const runOf = (name: string, id: number) => {
    const run = named(name).runs.find((each) => each.id === id);
    if (run === undefined) throw new Error(`${name} has no run ${id}`);
    return run;
  };
  const installationNamed = (login: string) => {
    const found = [...state.installations.values()].find(({ owner }) => owner.login === login);
    if (found === undefined) throw new Error(`the app isn't installed on ${login}`);
    return found;
  };

  async function owner(login: string, { type = "Organization", id, installation = "all" }: OwnerOptions = {}) {
    const made: Owner = { login, type, id: id ?? FIRST_OWNER_ID + state.owners.size };
    state.owners.set(login.toLowerCase(), made);
    if (installation === false) return made;
    const installed: Installation = {
      id: state.nextId("installation"),
      owner: made,
      selection: installation,
      selected: new Set(),
      permissions: state.app.permissions,
      suspendedAt: undefined,
      createdAt: state.now(),
    };
    state.installations.set(installed.id, installed);
    await deliverInstallation(installed, "created");
    return made;
  }

  function deliverInstallation(installation: Installation, action: "created" | "deleted") {
    const repositories = [...state.repositories.values()].filter((each) => covers(installation, each));
    const payload = installationPayload(state, installation, action, repositories);
    return deliveries.deliver("installation", payload, { installationId: installation.id, repositoryId: null });
  }

  async function repository(name: string, options: RepositoryOptions = {}): Promise<string> {
    if (!REPOSITORY_NAME.test(name)) throw new Error(`not owner/name: ${name}`);
    if (state.repositories.has(name.toLowerCase())) throw new Error(`${name} is there already: commit to it`);
    const [login = "", short = ""] = name.split("/");
    const belongsTo = state.owners.get(login.toLowerCase()) ?? (await owner(login));
    const { files, id = repositoryIdOf(short), selected = true } = options;
    // JSON has no larger ones, and two repositories have two.
    if (!Number.isSafeInteger(id)) throw new Error(`${name}: the id made of the name is too large: give it one`);
    for (const other of state.repositories.values())
      if (other.id === id) throw new Error(`${name}: the id ${id} is taken`);
    const made: Repository = {
      id,
      owner: belongsTo,
      name: short,
      isPrivate: false,
      isArchived: false,
      defaultBranch: "main",
      directory: directoryOf(state, name),
      rules: new Map(),
      checkRuns: [],
      runs: [],
      attestations: [],
      checkSuites: new Map(),
    };
    state.repositories.set(name.toLowerCase(), made);
    change(name, options);
    const installation = [...state.installations.values()].find((each) => each.owner.id === belongsTo.id);
    if (selected) installation?.selected.add(id);
    await initRepository(made.directory);
    return files === undefined ? "" : commitFiles(made.directory, files, { message: "First" });
  }

  function change(name: string, changes: Partial<Pick<RepositoryOptions, "private" | "archived" | "protected">>): void {
    const changed = named(name);
    changed.isPrivate = changes.private ?? changed.isPrivate;
    changed.isArchived = changes.archived ?? changed.isArchived;
    const { protected: reviews } = changes;
    if (reviews === false) changed.rules.delete(changed.defaultBranch);
    else if (reviews !== undefined) changed.rules.set(changed.defaultBranch, { reviews: Number(reviews) });
  }

  async function pushTags(name: string, tags: readonly string[], options: TagOptions = {}): Promise<void> {
    const pushed = named(name);
    const pushes: Push[] = [];
    for (const tag of tags) pushes.push(await moveTag(pushed, tag, options));
    if (pushes.length > TOLD_TAGS) return;
    const moved = pushes.filter(({ before, after }) => before !== after);
    await Promise.all(
      moved.flatMap(async (push) => [
        await deliver("push", pushed, await pushPayload(state, pushed, push)),
        push.before === NOTHING && (await deliver("create", pushed, refPayload(state, pushed, "create", push.ref))),
      ]),
    );
  }

  return {
    url: state.url,
    apiUrl: state.apiUrl,
    app: state.app,
    deliverTo(url) {
      deliveries.target = url;
    },
    owner,
    repository,
    async removeRepository(name) {
      const { directory } = named(name);
      state.repositories.delete(name.toLowerCase());
      rmSync(directory, { recursive: true, force: true });
    },
    change,
    installation: installationNamed,
    async uninstall(login) {
      const installation = installationNamed(login);
      const delivered = deliverInstallation(installation, "deleted");
      state.installations.delete(installation.id);
      await delivered;
    },
    async select(name, selected) {
      const chosen = named(name);
      const installation = installationNamed(chosen.owner.login);
      if (selected) installation.selected.add(chosen.id);
      else installation.selected.delete(chosen.id);
      const payload = installationRepositoriesPayload(state, installation, selected ? "added" : "removed", [chosen]);
      const about = { installationId: installation.id, repositoryId: null };
      await deliveries.deliver("installation_repositories", payload, about);
    },
    async commit(name, files, options = {}) {
      const changed = named(name);
      const ref = `refs/heads/${changed.defaultBranch}`;
      const before = (await resolveCommit(changed.directory, ref)) ?? NOTHING;
      const after = await commitFiles(changed.directory, files, { ...options, keep: before !== NOTHING });
      await deliver("push", changed, await pushPayload(state, changed, { ref, before, after, forced: false }));
      return after;
    },
    async tag(name, tag, options) {
      await pushTags(name, [tag], options);
      return (await refOf(named(name), `refs/tags/${tag}`)) ?? NOTHING;
    },
    pushTags,
    async deleteTag(name, tag) {
      const changed = named(name);
      const ref = `refs/tags/${tag}`;
      const before = await refOf(changed, ref);
      if (before === undefined) throw new Error(`${name} has no tag ${tag}`);
      await git(changed.directory, ["update-ref", "-d", ref]);
      const push = { ref, before, after: NOTHING, forced: false };
      await Promise.all([
        deliver("push", changed, await pushPayload(state, changed, push)),
        deliver("delete", changed, refPayload(state, changed, "delete", ref)),
      ]);
    },
    refs: (name) => readRefs(named(name).directory),
    checkRuns: (name, commit) =>
      named(name).checkRuns.filter(
        ({ appId, headSha }) => appId === state.app.id && (commit === undefined || headSha === commit),
      ),
    runs: (name) => named(name).runs,
    cancelRun: (name, run) => cancel(named(name), runOf(name, run), jobs),
    rerunRun: (name, run) => rerun(state, named(name), runOf(name, run), jobs),
    async rerequest(id) {
      for (const each of state.repositories.values()) {
        const checkRun = each.checkRuns.find((one) => one.id === id);
        if (checkRun !== undefined)
          return deliver("check_run", each, checkRunPayload(state, each, checkRun, "rerequested"));
      }
      throw new Error(`there is no check run ${id}`);
    },
    attestations: (name) => named(name).attestations,
    deliveries: deliveries.all,
    interfere: (what) => deliveries.interfere(what),
    release: (how) => deliveries.release(how),
    async redeliver(guid) {
      const delivery = deliveries.all.find((each) => each.guid === guid);
      if (delivery === undefined) throw new Error(`nothing was delivered as ${guid}`);
      await deliveries.redeliver(delivery);
    },
    fail: (fault) => faults.add(fault),
    heal() {
      faults.heal();
      deliveries.heal();
    },
    requests,
    violations: state.violations,
    onDispatch: (handler) => jobs.handle(handler),
    async idle() {
      do {
        await jobs.idle();
        await Promise.all(pending);
        await deliveries.idle();
      } while (pending.size > 0);
    },
    async close() {
      deliveries.target = undefined;
      await jobs.close();
      await Promise.all([stop(server), storage.close(), ...pending]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Whether the app gets the event: subscribed, installed, and not suspended. */
function hears(state: State, installation: Installation | undefined, event: string): installation is Installation {
  return installation !== undefined && installation.suspendedAt === undefined && state.app.events.includes(event);
}

async function refOf({ directory }: Repository, ref: string): Promise<string | undefined> {
  return (await readRefs(directory)).find((each) => each.ref === ref)?.object;
}

async function moveTag(repository: Repository, tag: string, options: TagOptions): Promise<Push> {
  const { directory, defaultBranch } = repository;
  const { commit = `refs/heads/${defaultBranch}`, annotated = false, force = false } = options;
  const ref = `refs/tags/${tag}`;
  const before = (await refOf(repository, ref)) ?? NOTHING;
  const kind = annotated ? ["--annotate", "--message", tag] : [];
  await git(directory, ["tag", ...kind, ...(force ? ["--force"] : []), "--", tag, commit]);
  return { ref, before, after: (await refOf(repository, ref)) ?? NOTHING, forced: before !== NOTHING };
}
