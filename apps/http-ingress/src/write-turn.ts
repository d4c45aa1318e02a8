/** A socket whose writes can be gathered. */
export interface Corkable {
  cork(): void;
  uncork(): void;
}

/** Gathers what one turn of the event loop writes to a socket into one system call, for all sockets of a door with one callback. */
export interface WriteTurn {
  /** Call before writing. The socket is uncorked at the end of this turn. */
  gather(socket: Corkable): void;
  /** Writes out what was gathered. To be called before `end`: Node ends a response before it writes what the response holds corked. */
  release(socket: Corkable): void;
}

/** `atTurnEnd` defaults to `setImmediate`: after everything that this turn has read was worked through. */
export function createWriteTurn(atTurnEnd: (run: () => void) => void = setImmediate): WriteTurn {
  const corked = new Set<Corkable>();
  const flush = (): void => {
    for (const socket of corked) socket.uncork();
    corked.clear();
  };
  return {
    gather(socket) {
      if (corked.has(socket)) return;
      if (corked.size === 0) atTurnEnd(flush);
      corked.add(socket);
      socket.cork();
    },
    release(socket) {
      if (corked.delete(socket)) socket.uncork();
    },
  };
}
