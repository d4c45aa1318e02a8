import { ERRORS, toWsClose, type ErrorCode, type PublicError, type Result } from '@trivium/contracts';
import type { Credentials } from '@trivium/identity';
import type { WebSocket } from 'ws';
import { credentialsOf } from './auth-frame.ts';
import { closeReason } from './close-reason.ts';
import { decodeFrame, encodeFrame, errFrame, type FrameId } from './codec.ts';
import type { Served } from './clients.ts';
import type { Entered } from './entry.ts';

export interface AwaitingProofOptions {
  ws: WebSocket;
  /** It is waited for until then. */
  untilMs: number;
  enter(credentials: Credentials): Promise<Result<Entered>>;
  /** It is in: nothing has been sent, and its messages are somebody else's from here on. `id`: of its frame, to be answered. */
  onEntered(entered: Entered, id: FrameId | undefined): void;
}

type Early = readonly [data: Buffer, isBinary: boolean];

/** A client that has still to say who it is: its first frame does, and until that is true nothing else is done, or sent. */
export function awaitProof({ ws, untilMs, enter, onEntered }: AwaitingProofOptions): Served {
  /** What it has sent behind its proof, which is being looked at. No more than one read brings: it is paused. */
  let early: Early[] | undefined;

  const end = (error: PublicError, id?: FrameId): void => {
    if (ws.readyState !== ws.OPEN) return;
    if (id !== undefined) ws.send(encodeFrame(errFrame(error, id)));
    ws.close(toWsClose(error.code), closeReason(`${error.code}: ${error.message}`));
    ws.resume();
  };

  const entered = (result: Result<Entered>, id: FrameId | undefined): void => {
    if (ws.readyState !== ws.OPEN) return;
    if (!result.ok) return end(result.error, id);
    ws.off('message', onMessage);
    onEntered(result.value, id);
    for (const [data, isBinary] of early ?? []) ws.emit('message', data, isBinary);
  };

  const onMessage = (data: Buffer, isBinary: boolean): void => {
    if (early !== undefined) return void early.push([data, isBinary]);
    const frame = isBinary ? undefined : decodeFrame(data.toString());
    if (frame?.ok !== true || frame.value.op !== 'auth') return end(NOT_YET);
    const { id } = frame.value;
    const credentials = credentialsOf(frame.value);
    if (!credentials.ok) return end(credentials.error, id);
    early = [];
    ws.pause();
    void enter(credentials.value).then((result) => entered(result, id));
  };
  ws.on('message', onMessage);

  const close = (code: ErrorCode): void => end({ code, message: ERRORS[code].summary });
  return {
    tick(nowMs) {
      if (nowMs >= untilMs) end(TOO_LATE);
    },
    reconsider: () => undefined,
    drain: close,
    close: (code, reason) => ws.close(code, reason),
  };
}

const NOT_YET: PublicError = { code: 'auth.required', message: 'the first frame says who you are' };
const TOO_LATE: PublicError = { code: 'auth.required', message: 'no frame said in time who you are' };
