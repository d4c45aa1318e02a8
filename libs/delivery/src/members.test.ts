import { describe, expect, it } from 'vitest';
import { Members } from './members.ts';

describe('Members', () => {
  it('skips what is removed while it is walked and does not visit what is added', () => {
    const members = new Members<{ n: number }>();
    const all = Array.from({ length: 100 }, (_, n) => ({ n }));
    for (const member of all) members.add(member);
    const seen: number[] = [];
    members.forEach((member) => {
      seen.push(member.n);
      members.delete(all[member.n + 1] ?? member);
      members.add({ n: 1_000 + member.n });
    });
    expect(seen).toEqual(all.filter(({ n }) => n % 2 === 0).map(({ n }) => n));
  });

  it('keeps order and count through removals and additions', () => {
    const members = new Members<{ n: number }>();
    const all = Array.from({ length: 1_000 }, (_, n) => ({ n }));
    for (const member of all) members.add(member);
    for (const member of all) if (member.n % 10 !== 0) expect(members.delete(member)).toBe(true);
    expect(members.size).toBe(100);
    const seen: number[] = [];
    members.forEach((member) => seen.push(member.n));
    expect(seen).toEqual(all.map(({ n }) => n).filter((n) => n % 10 === 0));
  });
});
