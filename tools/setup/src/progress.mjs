/**
 * @typedef {object} Progress
 * @property {<T>(title: string, work: () => Promise<T>, outcome?: (result: T) => string) => Promise<T>} step runs
 *   `work` between a line that says what is being done and one that says how it ended (default `done`) and how long it took
 * @property {(line: string) => void} note one indented line of detail
 */

/**
 * Progress as plain lines, readable on a terminal and in a CI log alike.
 * @param {{ write: (text: string) => void, now: () => number }} io `now` in milliseconds, monotonic
 * @returns {Progress}
 */
export function createProgress({ write, now }) {
  return {
    async step(title, work, outcome = () => 'done') {
      const began = now();
      write(`setup: ${title} …\n`);
      try {
        const result = await work();
        write(`setup: ${title}: ${outcome(result)} (${seconds(now() - began)})\n`);
        return result;
      } catch (error) {
        write(`setup: ${title}: failed (${seconds(now() - began)})\n`);
        throw error;
      }
    },
    note: (line) => write(`         ${line}\n`),
  };
}

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
