import type { Bus, Publisher } from '@trivium/bus';

/** The same bus with parts of its publisher replaced. */
export function withPublisher(bus: Bus, replace: (publisher: Publisher) => Partial<Publisher>): Bus {
  const publisher = Object.create(bus.publisher) as Publisher;
  for (const [name, value] of Object.entries(replace(bus.publisher)))
    Object.defineProperty(publisher, name, { value });
  return Object.create(bus, { publisher: { value: publisher } }) as Bus;
}
