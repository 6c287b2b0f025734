import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ref, readRefs } from "../git-objects.ts";
import type { Files } from "../git-repository.ts";
import { Accounts, type OwnerOptions } from "./accounts.ts";
import { appEndpoints } from "./app.ts";
import { AppManifests, type Manifest } from "./app-manifests.ts";
import { attestationEndpoints } from "./attestations.ts";
import { type CheckRun, checkRunEndpoints } from "./check-runs.ts";
import { collaboratorEndpoints } from "./collaborators.ts";
import { contentEndpoints } from "./contents.ts";
import { issueToken } from "./credentials.ts";
import { Deliveries, type Delivery, type Interference } from "./deliveries.ts";
import { type Fault, Faults } from "./faults.ts";
import { gitDataEndpoints } from "./git-data.ts";
import { gitWriteEndpoints } from "./git-writes.ts";
import { hookDeliveryEndpoints } from "./hook-deliveries.ts";
import { type JobHandler, Jobs } from "./jobs.ts";
import { listen, stop } from "./listen.ts";
import { pullEndpoints } from "./pull-endpoints.ts";
import { pullWriteEndpoints } from "./pull-writes.ts";
import { type Pull, type PullChanges, type PullOptions, Pulls, pullNumbered } from "./pulls.ts";
import { type BranchCommitOptions, type Deliver, objectOf, Pushes, type TagOptions } from "./pushes.ts";
import {
  changeRepository,
  createRepository,
  forkRepository,
  type RepositoryChanges,
  type RepositoryOptions,
  renameRepository,
} from "./repositories.ts";
import { type ActionsRun, cancel, rerun, runEndpoints } from "./runs.ts";
import { createGithubServer, type LoggedRequest, type RequestHook } from "./server.ts";
import {
  createState,
  type Installation,
  installationOf,
  type Owner,
  PERSON,
  personNamed,
  type Repository,
  type Role,
  repositoryNamed,
  type State,
  type StateOptions,
} from "./state.ts";
import { Storage } from "./storage.ts";
import { userEndpoints } from "./users.ts";
import { checkRunPayload, checkSuitePayload, runPayload, visibilityPayload } from "./webhooks.ts";
import { workflowEndpoints } from "./workflows.ts";

/** How this GitHub differs from its defaults. */
export interface GithubOptions extends StateOptions {
  /** Default: a free one. */
  readonly port?: number;
}

/** From where, and whose, a pull request is. */
export interface PullFrom {
  /** A fork's name; the repository itself if left out. */
  readonly from?: string;
  /** A login. */
  readonly by?: string;
}

/** GitHub as the app and the action know it, and what people do there. */
export interface Github {
  /** Plays https://github.com: pages, and git. */
  readonly url: string;
  /** Plays https://api.github.com; `GITHUB_API_URL`. */
  readonly apiUrl: string;
  /** Where it keeps bundles and logs: an origin of its own. */
  readonly storageUrl: string;
  readonly app: { readonly id: number; readonly privateKey: string; readonly webhookSecret: string };
  /** The manifests from which the app was registered: posted to `/settings/apps/new`, and its code exchanged. Oldest first. */
  readonly manifests: readonly Manifest[];
  /** Where the app listens for webhooks; undefined: nowhere, and none is sent. */
  deliverTo(url: string | undefined): void;
  /** Makes an owner. Where the app is installed, `installation` created is delivered. */
  owner(login: string, options?: OwnerOptions): Promise<Owner>;
  /** Makes a repository without a webhook; its owner too if there is none. @returns the head of main, "" without files. */
  repository(name: string, options?: RepositoryOptions): Promise<string>;
  /** Deletes it; another of the same name can have another id. */
  removeRepository(name: string): Promise<void>;
  /** Gives it another name; from the old one GitHub leads on. */
  rename(name: string, to: string): void;
  /** Changes what can be changed of a repository. */
  change(name: string, changes: RepositoryChanges): void;
  /** The app on an owner's account, to change it: `suspendedAt`, `permissions`, `selection`, `selected`. */
  installation(login: string): Installation;
  /** Takes the app off an owner's account. */
  uninstall(login: string): Promise<void>;
  /** Gives a repository to an installation on selected ones, or takes it away. */
  select(name: string, selected: boolean): Promise<void>;
  /** Commits on a branch (main) and pushes it: files are added and replaced, and the others stay. @returns the commit. */
  commit(name: string, files: Files, options?: BranchCommitOptions): Promise<string>;
  /** Makes a repository with the branches and tags of another, which it stays tied to. */
  fork(name: string, to: string): Promise<void>;
  /** Pushes a commit that is there as a branch, by force where it must be. */
  branch(name: string, branch: string, commit: string): Promise<void>;
  deleteBranch(name: string, branch: string): Promise<void>;
  /** Makes a pull request. @returns its number. */
  openPull(name: string, pull: Omit<PullOptions, "from" | "by"> & PullFrom): Promise<number>;
  changePull(name: string, number: number, changes: PullChanges): Promise<void>;
  closePull(name: string, number: number): Promise<void>;
  reopenPull(name: string, number: number): Promise<void>;
  /** @returns the commit that merges it. */
  mergePull(name: string, number: number): Promise<string>;
  /** Those made to a repository, the oldest first. */
  pulls(name: string): readonly Pull[];
  /** Lets a person do that much in a repository. */
  collaborate(name: string, login: string, role: Role): void;
  /** A person makes a token of their own, which reads what they may read. It lives an hour. */
  personToken(login: string): string;
  /** From now on nobody has this token. */
  revokeToken(value: string): void;
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
  rerequest(checkRun: number, by?: string): Promise<void>;
  /** A person presses "Re-run all checks" on a commit. */
  rerequestSuite(name: string, commit: string, by?: string): Promise<void>;
  /** A person presses a button of a check run; ada if nobody is named. */
  click(checkRun: number, identifier: string, by?: string): Promise<void>;
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
  /** From now on this is called before and after each request to the API; undefined: nothing is. */
  onRequest(hook: RequestHook | undefined): void;
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

/** Starts one on loopback ports, in this process. */
export async function startGithub({ port = 0, ...options }: GithubOptions = {}): Promise<Github> {
  const root = mkdtempSync(join(tmpdir(), "github-"));
  const state = createState(root, options);
  const deliveries = new Deliveries(state);
  const storage = new Storage(state.violations);
  const faults = new Faults();
  const requests: LoggedRequest[] = [];
  let hook: RequestHook | undefined;
  const pending = new Set<Promise<unknown>>();
  const later = (work: Promise<unknown>) => {
    const done = work
      .catch((error: Error) => state.violations.push(String(error.stack)))
      .finally(() => pending.delete(done));
    pending.add(done);
  };

  const deliver: Deliver = async (event, repository, payload) => {
    const installation = installationOf(state, repository);
    if (!hears(state, installation, event)) return;
    await deliveries.deliver(event, payload, { installationId: installation.id, repositoryId: repository.id });
  };
  const accounts = new Accounts(state, deliveries);
  const pulls = new Pulls(state, deliver);
  const pushes = new Pushes(state, deliver, (repository, push) => pulls.branchMoved(repository, push));
  const checkRunChanged = (repository: Repository, checkRun: CheckRun, action: "created" | "completed") =>
    later(deliver("check_run", repository, checkRunPayload(state, repository, checkRun, action)));
  const jobs = new Jobs(state, {
    runChanged: (repository, run, action) =>
      later(deliver("workflow_run", repository, runPayload(state, repository, run, action))),
  });
  const manifests = new AppManifests(state);
  const server = createGithubServer(
    state,
    {
      ...appEndpoints(state),
      ...contentEndpoints(state),
      ...gitDataEndpoints(state),
      ...gitWriteEndpoints(state, pushes, later),
      ...pullEndpoints(state),
      ...pullWriteEndpoints(state, pulls),
      ...collaboratorEndpoints(state),
      ...userEndpoints(state),
      ...checkRunEndpoints(state, { checkRunChanged }),
      ...workflowEndpoints(state, jobs),
      ...runEndpoints(state, jobs, storage),
      ...attestationEndpoints(state, storage),
      ...hookDeliveryEndpoints(state, deliveries),
      ...manifests.endpoints((url) => {
        deliveries.target = url;
      }),
    },
    faults,
    requests,
    (moment) => hook?.(moment),
    manifests,
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
  const ownerOf = async (name: string) => {
    const [login = ""] = name.split("/");
    return state.owners.get(login.toLowerCase()) ?? (await accounts.open(login));
  };

  return {
    url: state.url,
    apiUrl: state.apiUrl,
    storageUrl: state.storageUrl,
    app: state.app,
    manifests: manifests.registered,
    deliverTo(url) {
      deliveries.target = url;
    },
    owner: (login, options) => accounts.open(login, options),
    repository: async (name, options = {}) => createRepository(state, await ownerOf(name), name, options),
    async removeRepository(name) {
      const repository = named(name);
      const { directory } = repository;
      state.repositories.delete(name.toLowerCase());
      await pulls.repositoryRemoved(repository);
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
    rename: (name, to) => renameRepository(state, named(name), to),
    change(name, changes) {
      const repository = named(name);
      const wasPrivate = repository.isPrivate;
      changeRepository(repository, changes);
      if (repository.isPrivate !== wasPrivate)
        later(deliver("repository", repository, visibilityPayload(state, repository)));
    },
    installation: (login) => accounts.installation(login),
    uninstall: (login) => accounts.uninstall(login),
    select: (name, selected) => accounts.select(named(name), selected),
    commit: (name, files, options = {}) => pushes.commit(named(name), files, options),
    async fork(name, to) {
      const owner = await ownerOf(to);
      await forkRepository(state, named(name), owner, to);
    },
    branch: (name, branch, commit) => pushes.branch(named(name), branch, commit),
    deleteBranch: (name, branch) => pushes.deleteBranch(named(name), branch),
    async openPull(name, { from, by, ...pull }) {
      const whose = { ...(from !== undefined && { from: named(from) }), ...(by && { by: personNamed(state, by) }) };
      return (await pulls.open(named(name), { ...pull, ...whose })).number;
    },
    changePull: (name, number, changes) => pulls.change(named(name), pullNumbered(named(name), number), changes),
    closePull: (name, number) => pulls.close(named(name), pullNumbered(named(name), number)),
    reopenPull: (name, number) => pulls.reopen(named(name), pullNumbered(named(name), number)),
    mergePull: (name, number) => pulls.merge(named(name), pullNumbered(named(name), number), pushes),
    pulls: (name) => named(name).pulls,
    collaborate(name, login, role) {
      named(name).collaborators.set(personNamed(state, login).login.toLowerCase(), role);
    },
    personToken(login) {
      const permissions = { contents: "read", metadata: "read" } as const;
      const person = personNamed(state, login);
      return issueToken(state, { installation: undefined, repositories: undefined, permissions, person }).value;
    },
    revokeToken: (value) => void state.tokens.delete(value),
    async tag(name, tag, options = {}) {
      await pushes.tags(named(name), [tag], options);
      return (await objectOf(named(name), `refs/tags/${tag}`)) ?? "";
    },
    pushTags: (name, tags, options = {}) => pushes.tags(named(name), tags, options),
    deleteTag: (name, tag) => pushes.deleteTag(named(name), tag),
    refs: (name) => readRefs(named(name).directory),
    checkRuns: (name, commit) =>
      named(name).checkRuns.filter(
        ({ appId, headSha }) => appId === state.app.id && (commit === undefined || headSha === commit),
      ),
    runs: (name) => named(name).runs,
    cancelRun: (name, run) => cancel(named(name), runOf(name, run), jobs),
    rerunRun: (name, run) => rerun(state, named(name), runOf(name, run), jobs),
    async rerequest(id, by = PERSON.login) {
      const { repository, checkRun } = checkRunOf(state, id);
      const payload = checkRunPayload(state, repository, checkRun, "rerequested", personNamed(state, by));
      await deliver("check_run", repository, payload);
    },
    async rerequestSuite(name, commit, by = PERSON.login) {
      const payload = await checkSuitePayload(state, named(name), commit, personNamed(state, by));
      await deliver("check_suite", named(name), payload);
    },
    async click(id, identifier, by = PERSON.login) {
      const { repository, checkRun } = checkRunOf(state, id);
      if (!checkRun.actions.some((each) => each.identifier === identifier))
        throw new Error(`the check run ${id} has no button ${identifier}`);
      const person = personNamed(state, by);
      const payload = checkRunPayload(state, repository, checkRun, "requested_action", person, identifier);
      await deliver("check_run", repository, payload);
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
    onRequest(next) {
      hook = next;
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
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function checkRunOf(state: State, id: number) {
  for (const repository of state.repositories.values()) {
    const checkRun = repository.checkRuns.find((each) => each.id === id);
    if (checkRun !== undefined) return { repository, checkRun };
  }
  throw new Error(`there is no check run ${id}`);
}

/** Whether the app gets the event: subscribed, installed, not suspended, and permitted to read what it tells of. */
function hears(state: State, installation: Installation | undefined, event: string): installation is Installation {
  if (installation === undefined || installation.suspendedAt !== undefined) return false;
  if (event === "pull_request" && installation.permissions.pull_requests === undefined) return false;
  // Those come to whoever writes check runs, subscribed or not.
  if (event === "check_suite" && installation.permissions.checks === "write") return true;
  return state.app.events.includes(event);
}
