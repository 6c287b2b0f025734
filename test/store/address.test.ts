import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatabaseUrl } from "../../src/store/address.ts";

test("a database's URL is told without user and password, and the password is taken out of messages in every form", () => {
  const { forPeople, conceal } = parseDatabaseUrl(
    "postgres://me:s3cret%2Fs3cret@db.example:5432/builds?sslmode=require",
  );
  assert.equal(forPeople, "postgres://db.example:5432/builds");
  assert.equal(conceal("s3cret/s3cret or s3cret%2Fs3cret failed"), "*** or *** failed");
  const query = parseDatabaseUrl("postgresql://db.example/builds?user=me&password=s3cret");
  assert.equal(query.forPeople, "postgresql://db.example/builds");
  assert.equal(query.conceal("no s3cret"), "no ***");
  const without = parseDatabaseUrl("postgresql://db.example/builds");
  assert.equal(without.conceal("as it is"), "as it is");
});

test("what is no PostgreSQL URL is refused without being told", () => {
  for (const text of ["", "s3cret", "mysql://me:s3cret@db/x", "postgres://me:s3cret@[db/x", "https://s3cret@db"]) {
    assert.throws(
      () => parseDatabaseUrl(text),
      (error: Error & { code: string }) => error.code === "refused" && !error.message.includes("s3cret"),
    );
  }
});
