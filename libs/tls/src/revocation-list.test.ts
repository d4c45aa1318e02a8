import { X509Certificate } from 'node:crypto';
import { tempDir, testAuthority, type TempDir, type TestAuthority } from '@trivium/testing';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { derValues } from './der.ts';
import { certificateName, parseRevocationLists } from './revocation-list.ts';

let folder: TempDir;
let authority: TestAuthority;
beforeAll(async () => {
  folder = await tempDir();
  authority = await testAuthority(folder.path);
});
afterAll(() => folder.remove());

const nameOf = (pem: string): string => certificateName(new X509Certificate(pem).raw);

test('says which certificates are revoked, by their issuer and number, and until when it holds', async () => {
  const [gone, good] = [await authority.issue('gone'), await authority.issue('good')];
  const until = new Date('2031-02-03T04:05:06Z');
  const lists = parseRevocationLists(await authority.revoke([gone], until));
  expect([lists.isRevoked(nameOf(gone.cert)), lists.isRevoked(nameOf(good.cert))]).toEqual([true, false]);
  expect(lists.validUntil).toBe(until.getTime());
});

test('several lists in a file count together; those of another authority are of its own certificates', async () => {
  const other = await testAuthority(folder.path, 'another authority');
  const [one, two] = [await authority.issue('one'), await other.issue('two')];
  const lists = parseRevocationLists(`${await authority.revoke([one])}\n${await other.revoke([])}`);
  expect(lists.pems).toHaveLength(2);
  expect([lists.isRevoked(nameOf(one.cert)), lists.isRevoked(nameOf(two.cert))]).toEqual([true, false]);
  const both = parseRevocationLists(`${await authority.revoke([])}${await other.revoke([two])}`);
  expect([both.isRevoked(nameOf(one.cert)), both.isRevoked(nameOf(two.cert))]).toEqual([false, true]);
});

test('a list after 2049 is dated in four digits', async () => {
  const until = new Date('2061-01-01T00:00:00Z');
  expect(parseRevocationLists(await authority.revoke([], until)).validUntil).toBe(until.getTime());
});

test.each(['', 'text', '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----'])('%j is no list', (text) => {
  expect(() => parseRevocationLists(text)).toThrow();
});

test('whatever the bytes, reading DER ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const read = derValues(bytes).reduce((sum, { whole }) => sum + whole.length, 0);
        expect(read).toBe(bytes.length);
      } catch (error) {
        expect((error as Error).message).toMatch(/^no DER/);
      }
    }),
  );
});
