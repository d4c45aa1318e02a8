import 'reflect-metadata';
import { createHash } from 'node:crypto';
import {
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type JsonGeneralName,
} from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { alternativeNames } from './alternative-names.ts';
import { certificatePrincipal } from './certificate-check.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function certificate(
  subject: string[] | string,
  names: JsonGeneralName[] = [],
  notAfter = new Date('2036-01-01T00:00:00Z'),
): Promise<Buffer> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: typeof subject === 'string' ? [subject] : subject }, { O: ['Site'] }].filter(
      ({ CN }) => CN === undefined || CN.length > 0,
    ),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
  });
  return Buffer.from(made.rawData);
}

describe('a client certificate', () => {
  it('says who its owner is by the common name, until it ends', async () => {
    const der = await certificate('pump-1');
    expect(certificatePrincipal(der, 'cn')).toEqual({
      ok: true,
      value: {
        ...{ name: 'pump-1', by: 'certificate', groups: [], claims: {} },
        proof: createHash('sha256').update(der).digest('hex'),
        expiresAt: Date.parse('2036-01-01T00:00:00Z'),
      },
    });
  });

  it('or by an alternative name of one kind', async () => {
    const der = await certificate('ignored', [
      { type: 'dns', value: 'pump.example' },
      { type: 'email', value: 'pump@example.com' },
      { type: 'url', value: 'urn:device:pump,1' },
      { type: 'ip', value: '192.0.2.1' },
    ]);
    for (const [part, name] of [
      ['dns', 'pump.example'],
      ['email', 'pump@example.com'],
      ['uri', 'urn:device:pump,1'],
      ['cn', 'ignored'],
    ] as const)
      expect(certificatePrincipal(der, part), part).toMatchObject({ ok: true, value: { name } });
  });

  it('that has no name, two, or none of a user lets nobody in', async () => {
    const two: JsonGeneralName[] = ['a.example', 'b.example'].map((value) => ({ type: 'dns', value }));
    expect(certificatePrincipal(await certificate([]), 'cn').ok).toBe(false);
    expect(certificatePrincipal(await certificate(['a', 'b']), 'cn').ok).toBe(false);
    expect(certificatePrincipal(await certificate('a', two), 'dns').ok).toBe(false);
    expect(certificatePrincipal(await certificate('a'), 'dns').ok).toBe(false);
    expect(certificatePrincipal(await certificate('anonymous'), 'cn').ok).toBe(false);
    expect(certificatePrincipal(Buffer.from('no certificate'), 'cn').ok).toBe(false);
  });
});

describe('alternative names as text', () => {
  it('are told apart, whatever is in them', () => {
    expect(alternativeNames('')).toEqual([]);
    expect(alternativeNames('DNS:a, IP Address:192.0.2.1, URI:"x, DNS:b"')).toEqual([
      { type: 'DNS', value: 'a' },
      { type: 'IP Address', value: '192.0.2.1' },
      { type: 'URI', value: 'x, DNS:b' },
    ]);
    for (const bad of ['DNS', 'DNS:"a', 'DNS:a"b', 'DNS:"a"b', 'DNS:a,DNS:b', 'URI:"\\x"'])
      expect(alternativeNames(bad), bad).toBeUndefined();
  });

  it('of a certificate that tries to look as if it had another one', async () => {
    const der = await certificate('a', [{ type: 'url', value: 'urn:x, DNS:root.example' }]);
    expect(certificatePrincipal(der, 'dns').ok).toBe(false);
    expect(certificatePrincipal(der, 'uri')).toMatchObject({ value: { name: 'urn:x, DNS:root.example' } });
  });
});
