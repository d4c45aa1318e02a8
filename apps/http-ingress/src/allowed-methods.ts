import type { App } from './app.ts';

/** The methods that a path has, of all routes registered after this; none: there is nothing at this path. */
export function watchMethods(app: App): (path: string) => readonly string[] {
  const byRoute = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    let route = byRoute.get(url);
    if (route === undefined) byRoute.set(url, (route = { path: pattern(url), methods: new Set() }));
    for (const each of [method].flat()) route.methods.add(each);
  });
  return (path) => {
    const methods = [...byRoute.values()].flatMap((route) =>
      route.path.test(path) ? [...route.methods] : [],
    );
    return [...new Set(methods)].sort();
  };
}

/** `:name` is a part of a path, `*` at the end whatever follows. */
function pattern(url: string): RegExp {
  const source = url
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/:[A-Za-z]+/g, '[^/]+')
    .replace(/\*$/, '.*');
  return new RegExp(`^${source}$`);
}
