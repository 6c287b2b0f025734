/** The build can't be assembled, or was asked for in a way that isn't known. The message says where. */
export class AssemblyFailed extends Error {
  readonly code = "assembly-failed";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssemblyFailed";
  }
}
