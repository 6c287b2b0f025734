import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { type Database, openDatabase, type StoreAddress } from "../../src/store/database.ts";
import { StoreError } from "../../src/store/error.ts";
import { MIGRATIONS, migrate } from "../../src/store/migrations.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import { type Dialect, newPlace } from "./places.ts";

export function testOpening(dialect: Dialect): void {
  test("tables of a newer program are an error that says so, and stay as they are", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    await (await place.open()).close();
    await using(place.address, async ({ db }) => {
      await sql`insert into migrations (number, name) values (${MIGRATIONS.length + 1}, 'from the future')`.execute(db);
    });
    await assert.rejects(place.open(), { code: "newer-schema" });
    await using(place.address, async ({ db }) => {
      await sql`delete from migrations where number > ${MIGRATIONS.length}`.execute(db);
    });
    assert.deepEqual(await (await place.open()).listRepositories(), []);
  });

  test("after a start, what is unfinished is looked at unless it waits for its time", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const before = await place.open();
    const repository = newRepository();
    const [open, timed, done] = [
      newBuild(repository),
      newBuild(repository, { key: { image: "timed" } }),
      newBuild(repository, { key: { image: "done" }, phase: "done" }),
    ];
    await before.recordPush(pushOf([open, timed, done]));
    for (const { id } of [open, timed, done]) await before.withLease("build", id, async () => {});
    await before.wake("build", timed.id, new Date(Date.now() + 3_600_000));
    await before.close();
    const after = await place.open();
    const looked: string[] = [];
    for (const { id } of [open, timed, done]) await after.withLease("build", id, async () => void looked.push(id));
    assert.deepEqual(looked, [open.id]);
  });

  test("steps are taken in order, once, and all of them or none", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    await (await place.open()).close();
    const step = (name: string, ...statements: string[]) => ({ name, statements });
    const first = step("one", "create table steps (id serial, name text)", "insert into steps (name) values ('one')");
    const second = step("two", "alter table steps add column more text", "insert into steps (name) values ('two')");
    const broken = step("three", "insert into steps (name) values ('three')", "insert into nowhere values (1)");
    await using(place.address, async ({ db }) => {
      const names = async () => (await sql<{ name: string }>`select name from steps order by id`.execute(db)).rows;
      await migrate(db, [...MIGRATIONS, first]);
      await assert.rejects(migrate(db, [...MIGRATIONS, first, second, broken]));
      assert.deepEqual(await names(), [{ name: "one" }]);
      // Several at once: each step is taken by one of them.
      await Promise.all([1, 2, 3].map(() => migrate(db, [...MIGRATIONS, first, second])));
      assert.deepEqual(await names(), [{ name: "one" }, { name: "two" }]);
      const { rows } = await sql<{ number: number }>`select number from migrations order by number`.execute(db);
      assert.deepEqual(
        rows.map(({ number }) => number),
        [...MIGRATIONS, first, second].map((_, i) => i + 1),
      );
      await assert.rejects(migrate(db, [...MIGRATIONS, first]), { code: "newer-schema" });
    });
  });
}

/** What only several processes can do. */
export function testServer(dialect: Dialect): void {
  test("several processes that start at once on an empty database all find it ready", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const stores = await Promise.all([place.open(), place.open(), place.open()]);
    for (const [i, store] of stores.entries()) await store.writeCursor("last", String(i));
    assert.equal(await stores[0]?.readCursor("last"), "2");
  });

  test("a refused password, a database that isn't there and a server that isn't are told without the password", async (t) => {
    const place = await newPlace(t, dialect);
    if (!place) return;
    const right = new URL((place.address as { url: string }).url);
    const wrong = (change: (url: URL) => void) => {
      const url = new URL(right);
      change(url);
      return url.href;
    };
    const secret = right.password;
    const cases: readonly (readonly [string, StoreError["code"]])[] = [
      [wrong((url) => (url.password = "hunter2%21hunter2")), "refused"],
      [wrong((url) => (url.pathname = "nowhere")), "refused"],
      [wrong((url) => (url.port = "1")), "unavailable"],
      [`mysql://tester:${secret}@127.0.0.1/x`, "refused"],
      [`postgresql://tester:${secret}@[oops/x`, "refused"],
    ];
    for (const [url, code] of cases) {
      const error: unknown = await place.open({}, { kind: "url", url }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof StoreError, String(error));
      assert.equal(error.code, code, error.message);
      const told = [error.message, JSON.stringify(error), String(error.cause), JSON.stringify(error.cause)].join("\n");
      for (const password of [secret, "hunter2"]) assert.ok(!told.includes(password), told);
    }
  });
}

async function using(address: StoreAddress, run: (database: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase(address, assert.ifError);
  try {
    await run(database);
  } finally {
    await database.close();
  }
}
