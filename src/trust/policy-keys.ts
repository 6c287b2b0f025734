const IMAGES = "For which image names: whole names (docker.io/library/debian), or patterns (ghcr.io/acme/{repo}).";
const REFS = "Refs of the source that count: refs/tags/…, refs/heads/… as patterns. Default: every tag.";
const EVENTS =
  "Events that count; those that run strangers' code are refused. Default: push, release and workflow_dispatch.";
const ISSUER = "Who told the certificate authority who signs, letter for letter.";
const NAME = "The name in the certificate, as a pattern with host and owner, or the domain, spelled out.";
const PEM = "A public key as one block PUBLIC KEY.";
const LOG =
  "Whether its signatures need an entry in a trusted log (required), or count without one too (optional), then without a proven time.";
const OWNER_ID = "The number of the account, which survives renames and doesn't change hands.";
const REPOSITORY_ID = "The number of the repository, which survives renames and doesn't change hands.";
const DOCUMENT_SIGNER = "The certificate's signer.";
const MAX_AGE = "How old it may be: 30d, 12h.";

/** What each key says, in the words of docs/policy.md, for editors. Lists are `[]`. */
export const POLICY_KEYS: Readonly<Record<string, string>> = {
  version: "The version of this form: 1.",
  enforce:
    "Which faults fail the check of a tag: strict, all of them; ratchet, those that weren't there when the image passed last; report, none. Tampering always does. Default: strict.",
  loosen:
    "Of an organisation's policy: the keys in which a repository's own policy may be less strict. Everything else stays as it is here.",
  builds:
    "How images of your own are built: what the app asks the workflow for, compared with the signed request of the build.",
  "builds[].image": "registry/repository, without tag and digest.",
  "builds[].dockerfile": "The Dockerfile, from the context. Default: Dockerfile.",
  "builds[].context": "A directory of the repository. Default: its root.",
  "builds[].target": "The stage of the Dockerfile that is built.",
  "builds[].platforms": "For which platforms it is built, as linux/arm64. Default: any.",
  "builds[].build-args": "Every build argument with its value; one that isn't named here refuses.",
  "builds[].contexts": "Every named context with its value; one that isn't named here refuses.",
  "builds[].secrets": "The id of every secret; one that isn't named here refuses.",
  "builds[].tags": "Which git tags it is built from, as patterns: v*.",
  "builds[].image-tags":
    "Which tags its image has: {tag} is the git tag, {version} the git tag without v. The first one has one of both in it.",
  "builds[].workflow": "The file in .github/workflows that builds it. Default: trusted-builds.yml.",
  trust: "What is accepted, and for which images.",
  "trust.builders":
    "The triples of image name, source and builder. Each entry stands alone, and one must accept whole. Exactly one of github, identity and key says who signs.",
  "trust.builders[].images": IMAGES,
  "trust.builders[].github": "A workflow of GitHub Actions signs.",
  "trust.builders[].github.repository": "The source, OWNER/REPO; a part may be a {name} that images captures, never *.",
  "trust.builders[].github.repository-id": REPOSITORY_ID,
  "trust.builders[].github.owner-id": OWNER_ID,
  "trust.builders[].github.workflow":
    "OWNER/REPO/.github/workflows/FILE@REF of the workflow that builds; refs/tags/…, refs/heads/… or a commit spelled out. May be left out with builder-presets.",
  "trust.builders[].github.workflow-digest": "The commit at which that workflow must be.",
  "trust.builders[].github.runner": "On whose machines it runs. Default: github-hosted.",
  "trust.builders[].github.events": EVENTS,
  "trust.builders[].github.refs":
    "Refs of the source that count: refs/tags/…, refs/heads/… as patterns, or default-branch. Default: every tag.",
  "trust.builders[].github.server":
    "The GitHub server, https://HOST. Default: where the policy is read, else github.com.",
  "trust.builders[].github.issuer": "The issuer of the server's tokens. Default: its own.",
  "trust.builders[].identity": "Any other signer that a certificate authority vouched for. Level 2 at most.",
  "trust.builders[].identity.issuer": ISSUER,
  "trust.builders[].identity.name": NAME,
  "trust.builders[].identity.source":
    "What the certificate says of the source. A certificate that names a source is refused without it.",
  "trust.builders[].identity.source.repository": "The whole URI of the source repository.",
  "trust.builders[].identity.source.repository-id": REPOSITORY_ID,
  "trust.builders[].identity.source.owner-id": OWNER_ID,
  "trust.builders[].identity.source.refs": REFS,
  "trust.builders[].identity.source.events": EVENTS,
  "trust.builders[].identity.source.runner": "The runner, letter for letter. Default: not compared.",
  "trust.builders[].key": "A public key signs. Level 2 at most, 1 without source.",
  "trust.builders[].key.pem": PEM,
  "trust.builders[].key.log": LOG,
  "trust.builders[].key.source": "The repository's URI that the provenance itself must name as git source.",
  "trust.builders[].level": "The SLSA build level that it gets at most, 0 to 3. Default: 2.",
  "trust.builders[].builds":
    "Whether the signer builds, so that provenance inside an index that it signed is its word. Default: false.",
  "trust.builders[].builder-ids":
    "Patterns of the builder.id that its provenance may give; another one is level 2 at most.",
  "trust.publishers": "Presets of publishers, or github-actions: entries of builders that somebody else keeps.",
  "trust.publishers[].github-actions": "All repositories of an account that build the image of their own name.",
  "trust.publishers[].github-actions.owner": "The account's name on GitHub.",
  "trust.publishers[].github-actions.owner-id": OWNER_ID,
  "trust.publishers[].github-actions.images":
    "REGISTRY/NAMESPACE/{repo}: the repository is the one that the image is named after.",
  "trust.builder-presets":
    "Presets of builders: who builds for the entries of builders that leave workflow out. They accept nothing alone.",
  "trust.mirrors": "Names that stand for other names.",
  "trust.mirrors[].images": "The mirror's names, a pattern with its host spelled out.",
  "trust.mirrors[].of": "The name that they are judged by, with what images captured.",
  "trust.verifiers": "Whose summary (VSA) may stand for a walk. Each entry stands alone.",
  "trust.verifiers[].id": "verifier.id in the summary, letter for letter.",
  "trust.verifiers[].key": "A public key signs the summary.",
  "trust.verifiers[].key.pem": PEM,
  "trust.verifiers[].key.log": LOG,
  "trust.verifiers[].identity": DOCUMENT_SIGNER,
  "trust.verifiers[].identity.issuer": ISSUER,
  "trust.verifiers[].identity.name": NAME,
  "trust.verifiers[].identity.source": "The source repository in the certificate; needed with GitHub's issuer.",
  "trust.verifiers[].identity.repository-id": REPOSITORY_ID,
  "trust.verifiers[].identity.owner-id": OWNER_ID,
  "trust.verifiers[].policy": "Digest of the policy that the verifier judged by.",
  "trust.verifiers[].max-age": MAX_AGE,
  "trust.verifiers[].minimum":
    "What the image and each of its dependencies must reach: SLSA_BUILD_LEVEL_0 to SLSA_BUILD_LEVEL_3.",
  "trust.referrers": "Where a publisher keeps what is signed about its images, if not beside them.",
  "trust.referrers[].images": IMAGES,
  "trust.referrers[].at": "One registry/repository, in which {names} of images are filled in.",
  "trust.allow": "What may go into a build beside images.",
  "trust.allow.network": "Whether commands may have the network. Default: true; it is shown in any case.",
  "trust.allow.local-context": "Whether content of the builder's own may go in; level 1 at most. Default: false.",
  "trust.allow.http-without-checksum":
    "Addresses that may be fetched without a checksum, as patterns with the host spelled out.",
  "trust.allow.cache": "Whether what earlier builds left may go in; level 2 at most. Default: true.",
  "trust.allow.privileged": "Whether commands may run without a sandbox; level 2 at most. Default: true.",
  "trust.allow.layouts": "Digests of images in local layouts, which nobody else can look at; level 1 at most.",
  "trust.roots": "Images at which the walk may end, although nothing shows how they were built.",
  "trust.roots[].image": "NAME@DIGEST; an index covers its platforms.",
  "trust.roots[].reason": "Why it is trusted as it is.",
  "trust.roots[].expires": "The last day on which it is, YYYY-MM-DD in UTC.",
  "trust.roots-from": "Feeds of roots: signed lists that somebody publishes.",
  "trust.roots-from[].url": "Where the feed is.",
  "trust.roots-from[].key": "A public key signs the feed.",
  "trust.roots-from[].key.pem": PEM,
  "trust.roots-from[].key.log": LOG,
  "trust.roots-from[].identity": DOCUMENT_SIGNER,
  "trust.roots-from[].identity.issuer": ISSUER,
  "trust.roots-from[].identity.name": NAME,
  "trust.roots-from[].identity.source": "The source repository in the certificate; needed with GitHub's issuer.",
  "trust.roots-from[].identity.repository-id": REPOSITORY_ID,
  "trust.roots-from[].identity.owner-id": OWNER_ID,
  "trust.roots-from[].images": "The names that the feed may speak for.",
  "trust.roots-from[].max-age": MAX_AGE,
  "trust.roles": "How parents that are no base are judged. A base is always judged.",
  "trust.roles.inputs":
    "Images of COPY --from and mounts. attested: like a base; pinned: named by digest; allow: not judged. Default: attested.",
  "trust.roles.frontends": "Images of # syntax=. attested, pinned or allow. Default: attested.",
  "trust.roles.tools": "SBOM scanners and the like. attested, pinned or allow. Default: attested.",
  "trust.platforms": "For which platforms an image is judged, as linux/amd64. Default: all.",
  "trust.revoked":
    "What is believed no more: { digest }, { commit }, { identity, from, until } or { builder, workflow-digest, from, until }, each with a reason.",
  "trust.revoked[].digest": "An image's digest.",
  "trust.revoked[].commit": "A commit of a source, in full.",
  "trust.revoked[].identity": "The name in the certificate, or a key's fingerprint, as a pattern.",
  "trust.revoked[].builder": "The building workflow, OWNER/REPO/.github/workflows/FILE@REF, as a pattern.",
  "trust.revoked[].workflow-digest": "The commit of that workflow. Default: any.",
  "trust.revoked[].from":
    "The first moment of the window of signing times, a day or YYYY-MM-DDTHH:MM:SSZ. Default: ever.",
  "trust.revoked[].until": "The last moment of the window. Default: forever.",
  "trust.revoked[].reason": "Why.",
  "trust.revoked[].made": "When the revocation was made: verifiers' summaries from before don't count.",
};
