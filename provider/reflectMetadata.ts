/**
 * The three functions of the Reflect metadata proposal that @peculiar/x509's container (tsyringe)
 * asks for. It injects no constructor parameters, so nothing more of the proposal is needed.
 */
type Key = string | symbol;

const metadata = new WeakMap<object, Map<Key, unknown>>();

function getOwnMetadata(key: Key, target: object): unknown {
  return metadata.get(target)?.get(key);
}

function getMetadata(key: Key, target: object): unknown {
  for (let at: object | null = target; at; at = Reflect.getPrototypeOf(at)) {
    if (metadata.get(at)?.has(key) === true) return getOwnMetadata(key, at);
  }
  return undefined;
}

function defineMetadata(key: Key, value: unknown, target: object): void {
  const own = metadata.get(target) ?? new Map<Key, unknown>();
  metadata.set(target, own.set(key, value));
}

if (!("getMetadata" in Reflect)) {
  Object.assign(Reflect, { getOwnMetadata, getMetadata, defineMetadata });
}
