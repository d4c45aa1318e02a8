/**
 * @typedef {object} Progress
 * @property {<T>(title: string, work: () => Promise<T>) => Promise<T>} step runs `work` between a line that says
 *   what is being done and one that says how long it took or that it failed
 * @property {(line: string) => void} note one indented line of detail
 */

/**
 * Progress as plain lines, readable on a terminal and in a CI log alike.
 * @param {{ write: (text: string) => void, now: () => number }} io `now` in milliseconds, monotonic
 * @returns {Progress}
 */
export function createProgress({ write, now }) {
  return {
    async step(title, work) {
      const began = now();
      write(`setup: ${title} …\n`);
      try {
        const result = await work();
        write(`setup: ${title}: done in ${seconds(now() - began)}\n`);
        return result;
      } catch (error) {
        write(`setup: ${title}: failed after ${seconds(now() - began)}\n`);
        throw error;
      }
    },
    note: (line) => write(`         ${line}\n`),
  };
}

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
