import { createLoad, type Load } from './load.ts';
import type { Answer, Request } from './process-messages.ts';

/** A generator process: does what it is asked, one request at a time, and ends when its parent is gone. */
let load: Load | undefined;

const answer = (message: Answer) => void process.send?.(message);
const failed = (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) });

function planned(): Load {
  if (load === undefined) throw new Error('no plan yet');
  return load;
}

function handle(request: Request): unknown {
  switch (request.ask) {
    case 'plan':
      load = createLoad(request.plan);
      return undefined;
    case 'connect':
      return planned().connect();
    case 'start':
      return planned().start();
    case 'mark':
      return planned().mark(request.measuring);
    case 'finish':
      return planned().finish();
    case 'store':
      return planned().store();
    case 'drain':
      return planned().drain();
  }
}

process.on('message', (request: Request) => {
  const handled = new Promise((resolve) => resolve(handle(request)));
  handled.then((value) => answer({ value }), failed);
});
process.on('uncaughtException', failed);
process.on('disconnect', () => process.exit());
