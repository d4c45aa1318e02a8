import { chromium, type Browser, type Page } from 'playwright-core';
import { installed } from '../clients/installed.ts';

/** A browser of the system, without a window. */
export interface RealBrowser extends AsyncDisposable {
  /** Opens a page in a profile of its own: nothing is shared with other pages. What it complains of is in `complaints`. */
  open(url: string): Promise<OpenPage>;
}

export interface OpenPage {
  readonly page: Page;
  /** Uncaught errors and errors on the console, oldest first. */
  readonly complaints: readonly string[];
}

const findChromium = installed('chromium');

export async function startBrowser(): Promise<RealBrowser> {
  const executablePath = await findChromium();
  // Its sandbox does not work for root, as which containers run tests; what it is shown here are our own pages.
  const browser: Browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox'],
    timeout: 120_000,
  });
  return {
    async open(url) {
      const context = await browser.newContext();
      context.setDefaultTimeout(60_000);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => void complaints.push(error.message));
      page.on('console', (line) => {
        if (line.type() === 'error') complaints.push(line.text());
      });
      await page.goto(url);
      return { page, complaints };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
