import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Attestation } from "./attestations.ts";
import type { CheckRun } from "./check-runs.ts";
import type { Token } from "./credentials.ts";
import { notFound } from "./error.ts";
import type { Pull } from "./pulls.ts";
import type { ActionsRun } from "./runs.ts";

/** What an app, an installation or a token may do: `{ contents: "read" }`. */
export type Permissions = Readonly<Record<string, "read" | "write">>;

/** What `app.yml` asks for (RULES R33); `metadata` comes with anything. */
export const APP_PERMISSIONS: Permissions = {
  actions: "write",
  checks: "write",
  contents: "read",
  metadata: "read",
  pull_requests: "read",
};

/** What the app subscribes to. `installation*` comes without. */
export const APP_EVENTS: readonly string[] = [
  "check_run",
  "create",
  "delete",
  "pull_request",
  "push",
  "repository",
  "workflow_run",
];

/** The app under test. */
export interface App {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  /** PEM; what APP's PRIVATE_KEY is. */
  readonly privateKey: string;
  readonly publicKey: KeyObject;
  readonly webhookSecret: string;
  permissions: Permissions;
  events: readonly string[];
}

/** A user or an organisation. */
export interface Owner {
  readonly id: number;
  readonly login: string;
  readonly type: "User" | "Organization" | "Bot";
}

/** The app on an owner's account. */
export interface Installation {
  readonly id: number;
  readonly owner: Owner;
  selection: "all" | "selected";
  /** Ids of repositories; of use with `selected`. */
  readonly selected: Set<number>;
  permissions: Permissions;
  suspendedAt: Date | undefined;
  readonly createdAt: Date;
}

/** A repository; its contents are in git. */
export interface Repository {
  readonly id: number;
  readonly owner: Owner;
  name: string;
  isPrivate: boolean;
  isArchived: boolean;
  readonly defaultBranch: string;
  /** Where git keeps it. */
  directory: string;
  /** Reviews that a pull request into the branch needs; a branch that isn't here takes pushes. */
  readonly rules: Map<string, { readonly reviews: number }>;
  readonly checkRuns: CheckRun[];
  readonly runs: ActionsRun[];
  readonly attestations: Attestation[];
  /** By app and commit. */
  readonly checkSuites: Map<string, number>;
  /** What it was forked from. */
  readonly parent: Repository | undefined;
  /** Made to it, the oldest first; numbers are never given twice. */
  readonly pulls: Pull[];
  /** What people may do there, by their login in lower case; nobody else may do more than read what is public. */
  readonly collaborators: Map<string, Role>;
  /** Entries of a tree that are listed at once; more are cut, as GitHub does above a hundred thousand. */
  treeLimit: number;
}

/** What a person may do in a repository. */
export type Role = "admin" | "maintain" | "write" | "triage" | "read" | "none";

/** Who does what nobody else is named for. */
export const PERSON: Owner = { id: 1001, login: "ada", type: "User" };

/** GitHub's own app, in whose name jobs run. */
export const ACTIONS_APP = { id: 15368, slug: "github-actions", name: "GitHub Actions" };

/** All that this GitHub knows. */
export interface State {
  /** What stands for github.com and, with `/api/v3`, for api.github.com. */
  url: string;
  apiUrl: string;
  /** Where GitHub keeps what it gives signed links to: another origin. */
  storageUrl: string;
  readonly root: string;
  readonly ghes: boolean;
  readonly now: () => Date;
  readonly app: App;
  readonly owners: Map<string, Owner>;
  readonly installations: Map<number, Installation>;
  /** By `owner/name` in lower case: GitHub knows no other. */
  readonly repositories: Map<string, Repository>;
  /** Ids by the names that repositories had before, until another has the name. */
  readonly renamed: Map<string, number>;
  readonly tokens: Map<string, Token>;
  /** Who acted, by their login in lower case. */
  readonly people: Map<string, Owner>;
  /** What was wrong with requests, answers and webhooks. */
  readonly violations: string[];
  /** Numbers that say what they number, all above 32 bits or of their kind's length. */
  nextId(kind: keyof typeof FIRST_ID): number;
}

/** As large as GitHub's are in 2026: whoever keeps them in 32 bits notices. */
const FIRST_ID = {
  installation: 61_000_001,
  run: 19_000_000_001,
  job: 55_000_000_001,
  checkRun: 55_500_000_001,
  checkSuite: 48_000_000_001,
  delivery: 260_000_000_001,
  attestation: 9_000_001,
  review: 3_500_000_001,
  pull: 2_900_000_001,
};

/** How this GitHub differs from its defaults. */
export interface StateOptions {
  /** Plays GitHub Enterprise Server: no `return_run_details`, no attestations, ten inputs. */
  readonly ghes?: boolean;
  readonly now?: () => Date;
  readonly app?: Partial<Pick<App, "id" | "slug" | "name" | "webhookSecret" | "permissions" | "events">>;
}

/** An empty GitHub with one app. */
export function createState(root: string, { ghes = false, now = () => new Date(), app = {} }: StateOptions): State {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ids = new Map<string, number>();
  return {
    url: "",
    apiUrl: "",
    storageUrl: "",
    root,
    ghes,
    now,
    app: {
      id: 1234,
      slug: "trusted-builds",
      name: "Trusted Builds",
      webhookSecret: randomBytes(20).toString("hex"),
      permissions: APP_PERMISSIONS,
      events: APP_EVENTS,
      ...app,
      privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString(), // as GitHub hands it out
      publicKey,
    },
    owners: new Map(),
    installations: new Map(),
    repositories: new Map(),
    renamed: new Map(),
    tokens: new Map(),
    people: new Map([[PERSON.login, PERSON]]),
    violations: [],
    nextId(kind) {
      const id = ids.get(kind) ?? FIRST_ID[kind];
      ids.set(kind, id + 1);
      return id;
    },
  };
}

/** @throws {ApiError} 404 */
export function repositoryNamed(state: State, name: string): Repository {
  const found = state.repositories.get(name.toLowerCase());
  if (found === undefined) throw notFound();
  return found;
}

/** Someone by their login, who is there from now on. */
export function personNamed(state: State, login: string): Owner {
  const known = state.people.get(login.toLowerCase()) ?? state.owners.get(login.toLowerCase());
  if (known !== undefined) return known;
  const person: Owner = { id: PERSON.id + state.people.size, login, type: login.endsWith("[bot]") ? "Bot" : "User" };
  state.people.set(login.toLowerCase(), person);
  return person;
}

/** `owner/name` */
export function fullName({ owner, name }: Pick<Repository, "owner" | "name">): string {
  return `${owner.login}/${name}`;
}

/** Where git keeps a repository of that name. */
export function directoryOf(state: State, name: string): string {
  return join(state.root, `${name.toLowerCase()}.git`);
}

/** The installation that reaches a repository; undefined if none does, suspended or not. */
export function installationOf(state: State, repository: Repository): Installation | undefined {
  return [...state.installations.values()].find((each) => covers(each, repository));
}

/** Whether the app was given the repository. */
export function covers({ owner, selection, selected }: Installation, repository: Repository): boolean {
  return owner.id === repository.owner.id && (selection === "all" || selected.has(repository.id));
}

/** As GitHub writes times: whole seconds. */
export function iso(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
