/** An event of a stream that has data. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Reads `text/event-stream` (WHATWG HTML, 9.2.6) as it comes in. */
export interface EventParser {
  push(text: string): void;
  /** Of the last whole event, if it had one: where to go on from. */
  readonly lastId: string;
  /** What the server asks to wait before the next connection. */
  readonly retryMs: number | undefined;
}

export function createEventParser(lastId: string, onEvent: (event: StreamEvent) => void): EventParser {
  let rest = '';
  let name = '';
  let id = lastId;
  let data: string[] = [];
  let kept = lastId;
  let retryMs: number | undefined;

  const dispatch = (): void => {
    kept = id;
    if (data.length > 0) onEvent({ name: name === '' ? 'message' : name, data: data.join('\n') });
    data = [];
    name = '';
  };

  const onLine = (line: string): void => {
    if (line === '') return dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') data.push(value);
    else if (field === 'event') name = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  };

  return {
    push(text) {
      rest += text;
      // A carriage return at the end may be half of a line's end.
      const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
      const lines = whole.split(/\r\n|\r|\n/);
      rest = lines.pop()! + rest.slice(whole.length);
      for (const line of lines) onLine(line);
    },
    get lastId() {
      return kept;
    },
    get retryMs() {
      return retryMs;
    },
  };
}
