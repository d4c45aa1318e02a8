/**
 * A failure that the user can act on: `message` says what went wrong, `hint` what to do about it.
 * Printed without a stack.
 */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   * @param {unknown} [cause]
   */
  constructor(message, hint, cause) {
    super(message, { cause });
    this.name = 'SetupError';
    this.hint = hint;
  }
}
