// A service as the launcher sees one: listens on its door and its admin port, is ready soon, drains when it is told
// to or when the launcher is gone. FAKE_* variables make it misbehave.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { env } = process;
const journal = (what: string) =>
  appendFileSync(`${env['TRIVIUM_DATA_DIR']}/journal`, `${env['FAKE_NAME']} ${what}\n`);

if (env['FAKE_REFUSE'] !== undefined) {
  console.error('fake: the configuration is not valid');
  process.exit(78);
}
const door = createServer((_request, response) => response.end(JSON.stringify({ ...env, pid: process.pid })));
const admin = createServer((request, response) => {
  if (request.url === '/exit') process.exit(3);
  if (request.url === '/warn') console.log(JSON.stringify({ level: 'warn', msg: 'a warning' }));
  if (request.url === '/info') console.log(JSON.stringify({ level: 'info', msg: 'nothing to see' }));
  response.writeHead(env['FAKE_NEVER_READY'] === undefined ? 200 : 503).end(String(process.pid));
});
if (env['FAKE_DOOR'] !== undefined) door.listen(Number(env['TRIVIUM_HTTP_PORT']), '127.0.0.1');
admin.listen(Number(env['TRIVIUM_ADMIN_PORT']), '127.0.0.1');

const stop = (why: string) => () => {
  journal(`told to stop by ${why}`);
  if (env['FAKE_HANG'] !== undefined) return;
  setTimeout(() => {
    journal('stopped');
    process.exit(0);
  }, 100);
};
process.once('SIGTERM', stop('SIGTERM'));
process.once('SIGINT', stop('SIGINT'));
process.once('disconnect', stop('disconnect'));
