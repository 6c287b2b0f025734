import type { Deliveries } from "./deliveries.ts";
import { covers, type Installation, type Owner, type Repository, type State } from "./state.ts";
import { installationPayload, installationRepositoriesPayload } from "./webhooks.ts";

/** What an owner is; everything has a default. */
export interface OwnerOptions {
  readonly type?: "User" | "Organization";
  /** Default 77 for the first owner, and one more for each further one. */
  readonly id?: number;
  /** Which repositories the app gets. Default all; false: it isn't installed. */
  readonly installation?: "all" | "selected" | false;
}

const FIRST_OWNER_ID = 77;

/** Owners, and the app on their accounts. */
export class Accounts {
  readonly #state: State;
  readonly #deliveries: Deliveries;

  constructor(state: State, deliveries: Deliveries) {
    this.#state = state;
    this.#deliveries = deliveries;
  }

  /** Makes an owner; where the app is installed, that is told. */
  async open(login: string, { type = "Organization", id, installation = "all" }: OwnerOptions = {}): Promise<Owner> {
    const state = this.#state;
    const owner: Owner = { login, type, id: id ?? FIRST_OWNER_ID + state.owners.size };
    state.owners.set(login.toLowerCase(), owner);
    if (installation === false) return owner;
    const installed: Installation = {
      id: state.nextId("installation"),
      owner,
      selection: installation,
      selected: new Set(),
      permissions: state.app.permissions,
      suspendedAt: undefined,
      createdAt: state.now(),
    };
    state.installations.set(installed.id, installed);
    await this.#tell(installed, "created");
    return owner;
  }

  /** @throws if the app isn't there. */
  installation(login: string): Installation {
    const found = [...this.#state.installations.values()].find(({ owner }) => owner.login === login);
    if (found === undefined) throw new Error(`the app isn't installed on ${login}`);
    return found;
  }

  /** Takes the app off an account, and tells it. */
  async uninstall(login: string): Promise<void> {
    const installation = this.installation(login);
    const told = this.#tell(installation, "deleted");
    this.#state.installations.delete(installation.id);
    await told;
  }

  /** Gives a repository to the installation or takes it away, and tells it. */
  async select(repository: Repository, selected: boolean): Promise<void> {
    const installation = this.installation(repository.owner.login);
    if (selected) installation.selected.add(repository.id);
    else installation.selected.delete(repository.id);
    const action = selected ? "added" : "removed";
    const payload = installationRepositoriesPayload(this.#state, installation, action, [repository]);
    const about = { installationId: installation.id, repositoryId: null };
    await this.#deliveries.deliver("installation_repositories", payload, about);
  }

  #tell(installation: Installation, action: "created" | "deleted"): Promise<void> {
    const repositories = [...this.#state.repositories.values()].filter((each) => covers(installation, each));
    const payload = installationPayload(this.#state, installation, action, repositories);
    return this.#deliveries.deliver("installation", payload, { installationId: installation.id, repositoryId: null });
  }
}
