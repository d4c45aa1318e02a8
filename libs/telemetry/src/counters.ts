import { metrics, type Attributes, type Observable } from '@opentelemetry/api';

export interface CounterDescription {
  description: string;
  /** UCUM: `By`, `s`, `{message}`. */
  unit?: string;
  /** A counter only grows; a gauge is a level. Default: counter. */
  kind?: 'counter' | 'gauge';
  /** The reading is a record; its keys become values of this attribute. Few keys, known beforehand. */
  label?: string;
}

/** A number, or for a description with `label` one number per value of the label. */
export type Reading = number | Readonly<Record<string, number>>;

/**
 * Publishes plain numbers as metrics. `read` is called once per scrape or export, so the hot path pays an increment and
 * nothing else. Names are dotted and lower-case (`trivium.mqtt.messages.received`); `/metrics` shows them with `_` and,
 * for counters, `_total`. Call after `startTelemetry`; before it there is no meter and the numbers are not published.
 * @returns stops the publishing
 */
export function registerCounters<N extends string>(
  meterName: string,
  read: () => Readonly<Record<N, Reading>>,
  descriptions: Readonly<Record<N, string | CounterDescription>>,
): () => void {
  const meter = metrics.getMeter(meterName);
  const instruments: { name: N; label: string | undefined; observable: Observable<Attributes> }[] = [];
  for (const name of Object.keys(descriptions) as N[]) {
    const given: string | CounterDescription = descriptions[name];
    const { description, unit, kind, label } = typeof given === 'string' ? counter(given) : given;
    const options = unit === undefined ? { description } : { description, unit };
    const observable =
      kind === 'gauge'
        ? meter.createObservableGauge(name, options)
        : meter.createObservableCounter(name, options);
    instruments.push({ name, label, observable });
  }
  const observables = instruments.map((instrument) => instrument.observable);
  const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    const values = read();
    for (const { name, label, observable } of instruments) {
      const value: Reading = values[name];
      if (typeof value === 'number') result.observe(observable, value);
      else
        for (const key of Object.keys(value))
          result.observe(observable, value[key] ?? 0, { [label ?? 'kind']: key });
    }
  };
  meter.addBatchObservableCallback(observe, observables);
  return () => meter.removeBatchObservableCallback(observe, observables);
}

function counter(description: string): CounterDescription {
  return { description };
}
