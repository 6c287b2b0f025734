/** Where the repository of the builder is, on github.com. */
const BUILDER = "trusted-builds/trusted-builds/.github/workflows/build.yml";

/** The builder as policies name it: any released version, by tag. */
export const BUILDER_WORKFLOW = `${BUILDER}@refs/tags/v*`;

/** Where workflows are, and only they: GitHub asks for a permission of its own for these. */
export const WORKFLOWS = ".github/workflows/";

/** The file where policy names none. */
export const CALLER_FILE = "trusted-builds.yml";

/** The workflow that the app starts for a tag: it calls the builder with what it was given, and does nothing itself. */
export const CALLER_WORKFLOW = `name: Trusted builds
run-name: Trusted build \${{ inputs.build-id }}
on:
  workflow_dispatch:
    inputs:
      build-id: { description: The id of the build, type: string, required: true }
      request: { description: What to build, type: string, required: true }
permissions: {}
jobs:
  build:
    uses: ${BUILDER}@v1
    permissions: { contents: read, packages: write, id-token: write, attestations: write }
    with: { build-id: "\${{ inputs.build-id }}", request: "\${{ inputs.request }}" }
    secrets: { build-secrets: "\${{ secrets.TRUSTED_BUILDS_SECRETS }}" }
`;
