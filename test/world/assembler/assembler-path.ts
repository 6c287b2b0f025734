import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The directory to put first into PATH, so that whoever runs `docker buildx build` gets the assembler instead.
 *
 * It takes PATH, HOME, DOCKER_CONFIG and TRUSTED_BUILDS_ALLOW_HOSTS from the environment, and needs git and nothing else.
 */
export const assemblerPath: string = dirname(fileURLToPath(import.meta.url));
