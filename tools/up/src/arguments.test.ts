import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.ts';

const services = ['mqtt-ingress', 'router'];

describe('arguments', () => {
  it('reads --scale in both forms, the last one wins', () => {
    const { scale, errors } = parseArguments(
      ['--scale', 'mqtt-ingress=2', '--scale=router=0', '--scale=router=3'],
      services,
    );
    expect([...scale]).toEqual([
      ['mqtt-ingress', 2],
      ['router', 3],
    ]);
    expect(errors).toEqual([]);
  });

  it.each([
    [['--scale'], /expects service=count/],
    [['--scale', 'mqtt-ingress'], /expects service=count/],
    [['--scale', 'mqtt-ingress=-1'], /expects service=count/],
    [['--scale', 'mqtt-ingress=51'], /at most 50/],
    [['--scale', 'door=2'], /no service door, only mqtt-ingress, router/],
    [['--verbose'], /unknown argument --verbose/],
  ])('refuses %j', (args, message) =>
    expect(parseArguments(args, services).errors).toEqual([expect.stringMatching(message)]),
  );

  it('reports all faults at once', () =>
    expect(parseArguments(['a', '--scale', 'b', '--help'], services)).toMatchObject({
      help: true,
      errors: { length: 2 },
    }));
});
