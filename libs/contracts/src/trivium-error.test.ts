import { describe, expect, test } from 'vitest';
import { ERRORS } from './errors.ts';
import { errorCode, publicError, TriviumError } from './trivium-error.ts';

describe('TriviumError', () => {
  test('has code, category and the summary as its message', () => {
    const error = new TriviumError('bus.timeout', undefined, { retryAfterMs: 500 });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TriviumError',
      code: 'bus.timeout',
      category: 'retryable',
      retryAfterMs: 500,
    });
    expect(error.message).toBe(ERRORS['bus.timeout'].summary);
  });

  test('keeps its cause', () => {
    const cause = new Error('socket');
    expect(new TriviumError('bus.unavailable', 'no', { cause }).cause).toBe(cause);
    expect('cause' in new TriviumError('bus.unavailable')).toBe(false);
  });

  test('captures a stack for defects only, and changes nothing for the errors of others', () => {
    const frames = (error: Error): number =>
      (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).length;
    expect(frames(new TriviumError('topic.invalid'))).toBe(0);
    expect(frames(new TriviumError('defect'))).toBeGreaterThan(0);
    expect(frames(new Error('other'))).toBeGreaterThan(0);
  });
});

describe('errorCode', () => {
  test.each([
    [new TriviumError('not-found'), 'not-found'],
    [{ code: 'auth.denied', message: 'x' }, 'auth.denied'],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'defect'],
    [new Error('x'), 'defect'],
    [{ code: 'toString' }, 'defect'],
    ['bus.timeout', 'defect'],
    [undefined, 'defect'],
    [null, 'defect'],
  ])('of %j is %s', (thrown, code) => expect(errorCode(thrown)).toBe(code));
});

describe('publicError', () => {
  test('tells code, message and when to repeat', () => {
    const error = new TriviumError('rate.limited', 'slower', {
      retryAfterMs: 100,
      cause: new Error('secret'),
    });
    expect(publicError(error)).toEqual({ code: 'rate.limited', message: 'slower', retryAfterMs: 100 });
    expect(publicError({ code: 'topic.invalid', message: 'empty' })).toEqual({
      code: 'topic.invalid',
      message: 'empty',
    });
  });

  test.each([
    new Error('secret'),
    new TriviumError('defect', 'secret'),
    new TriviumError('bus.no-responders', 'secret'),
    new TriviumError('config.invalid', 'secret'),
    'secret',
    undefined,
  ])('tells nothing of %s', (error) =>
    expect(publicError(error)).toEqual({ code: 'defect', message: ERRORS.defect.summary }),
  );
});
