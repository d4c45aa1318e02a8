import { ContractRecord, Presence } from '@trivium/contracts';
import { Type, type Static } from 'typebox';

const Text = (description: string) => Type.String({ description });
const Position = (description: string) => Type.Integer({ minimum: 0, description });
const Time = Type.Integer({ minimum: 0, description: 'Milliseconds since the epoch.' });
const QoS = Type.Integer({ minimum: 0, maximum: 2 });

/** What the policies say of one action. */
export const Decided = Type.Object({
  allowed: Type.Boolean(),
  policy: Type.Optional(Text('Whose statement decided; none: nothing allows it.')),
  statement: Type.Optional(Type.Integer({ minimum: 1, description: 'In its policy, from 1.' })),
  why: Text('In words.'),
});
export type Decided = Static<typeof Decided>;

/** A subscription that matches the topic. */
export const MatchingSubscription = Type.Object({
  filter: Type.String(),
  group: Type.Optional(Text('Of a shared subscription.')),
  qos: { ...QoS, description: 'Granted.' },
  from: Position('Log position at which it began: it brings nothing at or below it.'),
  ruling: Type.Union([Type.Literal('granted'), Type.Literal('guarded'), Type.Literal('refused')], {
    description: 'Of the policies as they are now; guarded: each message is asked for.',
  }),
});
export type MatchingSubscription = Static<typeof MatchingSubscription>;

/** Why a message does or does not reach a client. */
export const Explanation = Type.Object(
  {
    client: Type.String(),
    topic: Type.String(),
    delivered: Type.Union(
      [Type.Literal('yes'), Type.Literal('when-back'), Type.Literal('no'), Type.Literal('unknown')],
      {
        description: 'A message that is published to the topic now, at the QoS of the subscription or above.',
      },
    ),
    verdict: Text('The same in one sentence.'),
    principal: Type.Object({
      name: Type.String(),
      from: Type.Union([Type.Literal('session'), Type.Literal('credential'), Type.Literal('client-id')], {
        description: 'How that is known; by the client id alone it is a guess.',
      }),
      groups: Type.Array(Type.String()),
      disabled: Type.Boolean(),
      policies: Type.Array(Type.String(), { description: 'That hold for it, by name.' }),
    }),
    decisions: Type.Object({
      connect: Decided,
      publish: Decided,
      retain: Decided,
      subscribe: { ...Decided, description: 'By its first filter that matches; else to the topic itself.' },
      receive: Decided,
      command: Decided,
    }),
    connection: Type.Object({
      connected: Type.Boolean(),
      door: Type.Optional(Text('Incarnation of the process.')),
      service: Presence.properties.service,
      host: Type.Optional(Type.String()),
      protocol: Presence.properties.protocol,
      since: Type.Optional(Time),
    }),
    session: Type.Optional(
      Type.Object(
        {
          persistent: Type.Boolean(),
          cursor: Position('Last log position considered for it; while it is connected a lower bound.'),
          behind: Type.Integer({
            minimum: 0,
            description: 'Messages of the log, of any topic, after the cursor.',
          }),
          missed: Type.Integer({
            ...{ minimum: 0 },
            description: 'Messages of the log, of any topic, after the cursor that are not kept any more.',
          }),
          unacknowledged: Type.Integer({ minimum: 0, description: 'Sent at QoS 1 and not acknowledged.' }),
          subscriptions: Type.Optional(
            Type.Integer({ minimum: 0, description: 'How many; none: only its door knows.' }),
          ),
          endsAt: Type.Optional(Time),
        },
        { description: 'None: there is none.' },
      ),
    ),
    subscriptions: Type.Array(MatchingSubscription, { description: 'That match the topic.' }),
    log: Type.Object({
      first: Position('The first message kept.'),
      last: Position('The last one.'),
    }),
    retained: Type.Optional(
      Type.Object(
        { qos: QoS, bytes: Type.Integer({ minimum: 0 }), retainedAt: Time },
        { description: 'None: nothing is retained on the topic.' },
      ),
    ),
    contract: Type.Optional(
      Type.Object(
        {
          name: Type.String(),
          filter: Type.String(),
          onViolation: ContractRecord.properties.onViolation,
        },
        { description: 'What messages on the topic are held to.' },
      ),
    ),
    warnings: Type.Array(Type.String(), { description: 'What could not be read or known.' }),
  },
  { title: 'Explanation', description: 'Why a message does or does not reach a client.' },
);
export type Explanation = Static<typeof Explanation>;
