import { describe, expect, test } from 'vitest';
import { parseShare } from './share.ts';

describe('parseShare', () => {
  test.each([
    ['$share/g/a/b', 'g', 'a/b'],
    ['$share/g//', 'g', '/'],
    ['$share/g/#', 'g', '#'],
    ['$share/my group-1/+/b', 'my group-1', '+/b'],
    ['$share/ü/$SYS/#', 'ü', '$SYS/#'],
    ['$share/$share/a', '$share', 'a'],
  ])('[MQTT-4.8.2-1] reads %j', (raw, group, filter) =>
    expect(parseShare(raw)).toEqual({ ok: true, value: { group, filter } }),
  );

  test.each(['a/b', '#', '$share', '$shared/g/a', 'a/$share/g/a', '', '$SHARE/g/a'])(
    'leaves %j to parseFilter',
    (raw) => expect(parseShare(raw)).toEqual({ ok: true, value: undefined }),
  );

  test.each(['$share/', '$share//a', '$share/g'])('[MQTT-4.8.2-1] refuses %j: no group or no filter', (raw) =>
    expect(parseShare(raw)).toMatchObject({ ok: false, error: { code: 'filter.invalid' } }),
  );

  test.each(['$share/g+/a', '$share/#/a', '$share/+/a', '$share/\0/a', '$share/\ud800/a'])(
    '[MQTT-4.8.2-2] refuses the group of %j',
    (raw) => expect(parseShare(raw)).toMatchObject({ ok: false, error: { code: 'filter.invalid' } }),
  );

  test.each(['$share/g/', '$share/g/a+', '$share/g/#/a', '$share/g/$share/h/a'])(
    'refuses the filter of %j',
    (raw) => expect(parseShare(raw)).toMatchObject({ ok: false, error: { code: 'filter.invalid' } }),
  );

  test('holds the filter to the limits', () => {
    const limits = { maxTopicBytes: 3, maxTopicLevels: 2 };
    expect(parseShare('$share/group/a/b', limits).ok).toBe(true);
    expect(parseShare('$share/g/a/bc', limits)).toMatchObject({ error: { code: 'topic.too-long' } });
    expect(parseShare('$share/g///', limits)).toMatchObject({ error: { code: 'topic.too-deep' } });
  });
});
