/** A secret, and the variable of the child's environment that has its value. */
export interface PassedSecret {
  readonly id: string;
  readonly variable: string;
}

/** What is to be built, and where the result goes. */
export interface BuildPlan {
  readonly image: string;
  readonly tags: readonly string[];
  readonly dockerfile: string;
  readonly context: string | undefined;
  readonly target: string | undefined;
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly contexts: Readonly<Record<string, string>>;
  readonly secrets: readonly PassedSecret[];
  readonly gitUrl: string;
  readonly commit: string;
  /** The run's URL. */
  readonly builderId: string;
  /** The directory that becomes an OCI image layout. */
  readonly layout: string;
  readonly metadataFile: string;
}

/**
 * The arguments of `docker buildx`. Every value stands behind the `=` of its own flag, so that none can become another flag.
 *
 * The layout, and no push: the docker driver can't push by digest, and a push by tag would move the tag before anything is signed.
 * The tags are named all the same: without a name BuildKit's provenance has no subject.
 */
export function buildxArguments(plan: BuildPlan): readonly string[] {
  return [
    "build",
    "--progress=plain",
    // A local image of the same name would shadow the registry's.
    "--pull",
    "--sbom=false",
    `--attest=${csv("type=provenance", "mode=max", "version=v1", `builder-id=${plan.builderId}`)}`,
    ...plan.platforms.map((platform) => `--platform=${platform}`),
    `--file=${plan.dockerfile}`,
    ...(plan.target === undefined ? [] : [`--target=${plan.target}`]),
    ...Object.entries(plan.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(plan.contexts).map(([name, source]) => `--build-context=${name}=${source}`),
    ...plan.secrets.map(({ id, variable }) => `--secret=${csv(`id=${id}`, `env=${variable}`)}`),
    ...plan.tags.map((tag) => `--tag=${plan.image}:${tag}`),
    `--output=${csv("type=oci", "tar=false", `dest=${plan.layout}`)}`,
    `--metadata-file=${plan.metadataFile}`,
    // The source is the commit, never a directory of the runner that an earlier step could have written to.
    `${plan.gitUrl}#${plan.commit}${plan.context === undefined ? "" : `:${plan.context}`}`,
  ];
}

/** Drops BuildKit's clone of a repository: it holds the git tags that it fetched first. */
export function pruneArguments(gitUrl: string): readonly string[] {
  return ["prune", "--force", `--filter=description~=".* for ${gitUrl}.*"`];
}

/** The fields of one value that buildx reads as a line of CSV. */
function csv(...fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");
}
