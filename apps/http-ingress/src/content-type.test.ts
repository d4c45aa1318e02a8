import { expect, test } from 'vitest';
import { contentTypeOf } from './content-type.ts';

test.each([
  [undefined, undefined, undefined],
  [undefined, 'application/json', 'application/json'],
  [undefined, ' text/plain; charset=utf-8 ', 'text/plain; charset=utf-8'],
  [undefined, 'application/octet-stream', undefined],
  [undefined, 'Application/X-WWW-Form-Urlencoded; charset=UTF-8', undefined],
  [undefined, '', undefined],
  ['application/octet-stream', 'text/plain', 'application/octet-stream'],
  ['text/csv', undefined, 'text/csv'],
  ['', 'text/plain', undefined],
])('asked for %j, with a body of %j, the message gets %j', (asked, ofBody, contentType) => {
  expect(contentTypeOf(asked, ofBody)).toBe(contentType);
});
