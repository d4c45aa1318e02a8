/** A service that cannot start for a reason outside it, such as a taken port: told in its message, without a stack. Exit 1. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartError';
  }
}
