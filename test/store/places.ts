import { randomUUID } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import pg from "pg";
import type { StoreAddress } from "../../src/store/database.ts";
import { openStore, type Store, type StoreSettings } from "../../src/store/store.ts";
import { toolchain } from "../world/toolchain.ts";

/** One of the two kinds of database. */
export interface Dialect {
  readonly name: string;
  /** Whether several processes can have it. */
  readonly isShared: boolean;
  /** Makes a place for a store, empty and nobody else's; a bare one has no tables. @returns undefined where the test was skipped. */
  make(
    t: TestContext,
    isBare?: boolean,
  ): Promise<{ readonly address: StoreAddress; remove(): Promise<unknown> } | undefined>;
}

/** A place that is gone after the test. */
export interface Place {
  readonly address: StoreAddress;
  /** Closed after the test, if it isn't already. */
  open(settings?: Partial<StoreSettings>, address?: StoreAddress): Promise<Store>;
}

/** A store that several tests share: each uses numbers and names of its own. */
export type SharedStore = (t: TestContext) => Promise<
  | {
      readonly store: Store;
      readonly address: StoreAddress;
      /** As another process would have it; the same one where only one process can. */
      another(): Promise<Store>;
    }
  | undefined
>;

/** Making a database from nothing takes PGlite seconds; this one is made once and copied. */
let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "store-template-"));
  await (await openStore({ kind: "directory", path, process }, settingsWith({}))).close();
  return path;
}

/** Call it when all tests are done. */
export async function removeTemplate(): Promise<void> {
  if (template !== undefined) await rm(await template, { recursive: true, force: true });
}

/** Both of them. */
export const dialects: readonly Dialect[] = [
  {
    name: "in a directory (PGlite)",
    isShared: false,
    async make(_t, isBare = false) {
      const path = await mkdtemp(join(tmpdir(), "store-test-"));
      if (!isBare) {
        template ??= makeTemplate();
        await cp(await template, path, { recursive: true });
      }
      const remove = () => rm(path, { recursive: true, force: true });
      return { address: { kind: "directory", path, process }, remove };
    },
  },
  {
    name: "on a PostgreSQL server",
    isShared: true,
    async make(t) {
      const world = await toolchain(t, ["postgres"]);
      if (!world) return undefined;
      const name = `store_${randomUUID().replaceAll("-", "")}`;
      await query(world.postgres, `create database ${name}`);
      const url = new URL(world.postgres);
      url.pathname = name;
      const remove = () => query(world.postgres, `drop database ${name} with (force)`);
      return { address: { kind: "url", url: url.href }, remove };
    },
  },
];

/** A place for one test alone. */
export async function newPlace(t: TestContext, dialect: Dialect, isBare = false): Promise<Place | undefined> {
  const made = await dialect.make(t, isBare);
  if (made === undefined) return undefined;
  const opened: Store[] = [];
  t.after(async () => {
    for (const store of opened) await store.close();
    await made.remove();
  });
  return {
    address: made.address,
    async open(settings = {}, address = made.address) {
      const store = await openStore(address, settingsWith(settings));
      opened.push(store);
      return store;
    },
  };
}

/** Opens a store with the first test that wants it, and closes it after the suite in which this was called. */
export function sharedStore(dialect: Dialect): SharedStore {
  let made: ReturnType<Dialect["make"]> | undefined;
  let store: Promise<Store> | undefined;
  after(async () => {
    await (await store)?.close();
    await (await made)?.remove();
  });
  return async (t) => {
    if ((await made) === undefined) made = dialect.make(t);
    const place = await made;
    if (place === undefined) return undefined;
    store ??= openStore(place.address, settingsWith({}));
    const [first, { address }] = [await store, place];
    return {
      store: first,
      address,
      async another() {
        if (address.kind === "directory") return first;
        const opened = await openStore(address, settingsWith({}));
        t.after(() => opened.close());
        return opened;
      },
    };
  };
}

/** A log that nobody reads would hide what goes wrong: by default it is an error on stderr. */
function settingsWith(settings: Partial<StoreSettings>): StoreSettings {
  return {
    serialise: ({ outcome, nodes }) => ({ outcome, nodes: nodes.map(({ id }) => id) }),
    log: (level, message) => console.error(level, message),
    ...settings,
  };
}

/** Asks a server past the store. */
export async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
