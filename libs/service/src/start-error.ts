export const START_REFUSED = 'start.refused';

/** A service that cannot start for a reason outside it, such as a taken port: told by its message alone. Exit 1. */
export class StartError extends Error {
  readonly code = START_REFUSED;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartError';
  }
}
