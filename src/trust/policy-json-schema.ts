import { z } from "zod";
import { POLICY_KEYS } from "./policy-keys.ts";
import { policySchema } from "./policy-schema.ts";

type Json = Readonly<Record<string, unknown>>;

/** Patterns of the file's own form that a schema without look at other values can hold; what it can't is said by `policy check`. */
const TITLE = "Policy of Trusted Builds";

/**
 * The form of a policy file as JSON Schema 2020-12, for editors. It takes everything that {@link parsePolicy} takes, and some that it
 * doesn't: what several keys say together isn't in it.
 */
export function policyJsonSchema(): Json {
  const schema = z.toJSONSchema(policySchema, { io: "input", target: "draft-2020-12" }) as Json;
  return {
    $schema: schema.$schema,
    title: TITLE,
    description: "Whose word counts for which container images; docs/policy.md tells all of it.",
    ...described(schema, ""),
  };
}

/** The paths of all keys, as `trust.builders[].level`; each once, however many forms it has. */
export function keyPaths(schema: Json = policyJsonSchema(), path = ""): readonly string[] {
  const here = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Json>>).flatMap(([key, value]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return [at, ...keyPaths(value, at)];
  });
  const items = schema.items === undefined ? [] : keyPaths(schema.items as Json, `${path}[]`);
  const forms = ((schema.anyOf ?? []) as readonly Json[]).flatMap((form) => keyPaths(form, path));
  return [...new Set([...here, ...items, ...forms])];
}

/** With the words of each key. `$schema` is said once, at the top. */
function described({ $schema: _, ...schema }: Json, path: string): Json {
  const description = POLICY_KEYS[path];
  const properties = schema.properties as Readonly<Record<string, Json>> | undefined;
  const forms = schema.anyOf as readonly Json[] | undefined;
  return {
    ...schema,
    ...(description !== undefined && { description }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, value]) => [key, described(value, path === "" ? key : `${path}.${key}`)]),
      ),
    }),
    ...(schema.items !== undefined && { items: described(schema.items as Json, `${path}[]`) }),
    ...(forms && { anyOf: forms.map((form) => described(form, path)) }),
  };
}
